package torch

import (
	"regexp"
	"strings"
)

// Several is what a call shows that only a program of several processes makes.
type Several struct {
	// What is its name in a message.
	What string
	// Group says that a process group is up once the call has returned. Starts says that the call is made to that end; the others are also
	// made by programs that an option lets have one process. Launched says that it serves one process as well as several, as it was launched.
	Group, Starts, Launched bool
	// Exchange says that the processes exchange data in the call: whoever makes it behind a test may have asked whether there are several.
	Exchange bool
	// Option is the keyword that says so, by a text that Says matches, unless Count says that there is one; "" where the call alone does.
	Option, Count string
	Says          *regexp.Regexp
}

var several = map[string]Several{}

func init() {
	row := func(s Several, prefix, names string) {
		for _, n := range fields(names) {
			several[prefix+n] = s
		}
	}
	row(Several{What: "init_process_group", Group: true, Starts: true}, "", "torch.distributed.init_process_group deepspeed.comm.init_process_group deepspeed.init_distributed")
	row(Several{What: "init_device_mesh", Group: true, Exchange: true}, "torch.distributed.", "init_device_mesh device_mesh.init_device_mesh")
	row(Several{What: "DistributedDataParallel", Group: true}, "", `torch.nn.parallel.DistributedDataParallel apex.parallel.DistributedDataParallel
		apex.parallel.distributed.DistributedDataParallel torch.nn.parallel.DistributedDataParallelCPU`)
	row(Several{What: "FullyShardedDataParallel", Group: true}, "torch.distributed.fsdp.", "FullyShardedDataParallel fully_sharded_data_parallel.FullyShardedDataParallel fully_shard")
	row(Several{What: "DistributedSampler"}, "", "torch.utils.data.DistributedSampler")
	row(Several{What: "deepspeed.initialize", Group: true, Starts: true}, "deepspeed.", "initialize")
	row(Several{What: "Horovod", Starts: true}, "horovod.torch.", "init DistributedOptimizer")
	row(Several{What: "Trainer", Starts: true, Option: "strategy", Says: manyProcesses, Count: "devices"}, "", anyLightningTrainer)
	row(Several{What: "Accelerator", Launched: true}, "accelerate.", "Accelerator accelerator.Accelerator")
}

// manyProcesses are Lightning's strategies that start the script in a process for each device, all of which go on behind fit.
var manyProcesses = regexp.MustCompile(`^(ddp(_find_unused_parameters_(true|false)|_static_graph)?|fsdp|deepspeed(_\w+)?)$`)

// ManyProcesses is what a call of a function shows of the processes that make it, provided that it shows there are several. The
// functions of torch.distributed in which processes exchange data raise without a group.
func ManyProcesses(qualified string) (Several, bool) {
	name := Canonical(qualified)
	if s, ok := several[name]; ok {
		return s, ok
	}
	e, ok := entries[name]
	if last, of := strings.CutPrefix(name, "torch.distributed."); ok && of && e.Kind == Collective && !strings.Contains(last, ".") {
		return Several{What: last, Group: true, Exchange: true}, true
	}
	return Several{}, false
}
