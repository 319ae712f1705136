package torch

// Launch is how a function starts another one: in processes of its own, or in a thread.
type Launch struct {
	// Function and Args are the places of the function and of the tuple of its arguments, -1 for what is given by keyword only; Kwargs is
	// the keyword of a dict of its arguments, "" where there is none.
	Function     int
	FunctionName string
	Args         int
	ArgsName     string
	Kwargs       string
	// Rank says that the number of the process comes in front of the arguments.
	Rank bool
	// Count is the keyword and CountAt the place of how many processes are started, "" for launchers that start one.
	Count   string
	CountAt int
	// Process says that the function runs in a process of its own.
	Process bool
}

var launches = map[string]Launch{}

func init() {
	row := func(l Launch, names string) {
		for _, n := range fields(names) {
			launches[n] = l
		}
	}
	row(Launch{Function: 0, FunctionName: "fn", Args: 1, ArgsName: "args", Rank: true, Process: true, Count: "nprocs", CountAt: 2},
		"torch.multiprocessing.spawn torch.multiprocessing.start_processes torch.multiprocessing.spawn.spawn torch.multiprocessing.spawn.start_processes")
	row(Launch{Function: 0, FunctionName: "fn", Args: 1, ArgsName: "args", Rank: true, Process: true, Count: "nprocs", CountAt: 2},
		"torch_xla.distributed.xla_multiprocessing.spawn torch_xla.launch")
	row(Launch{Function: 1, FunctionName: "target", Args: 3, ArgsName: "args", Kwargs: "kwargs", Process: true},
		"multiprocessing.Process torch.multiprocessing.Process multiprocessing.context.Process billiard.Process")
	row(Launch{Function: 1, FunctionName: "target", Args: 3, ArgsName: "args", Kwargs: "kwargs"}, "threading.Thread")
	row(Launch{Function: 0, FunctionName: "function", Args: 1, ArgsName: "args", Process: true, Count: "num_processes", CountAt: 2},
		"accelerate.notebook_launcher accelerate.launchers.notebook_launcher accelerate.debug_launcher accelerate.launchers.debug_launcher")
	row(Launch{Function: 0, FunctionName: "main_func", Args: 5, ArgsName: "args", Process: true, Count: "num_gpus_per_machine", CountAt: 1},
		"detectron2.engine.launch detectron2.engine.launch.launch")
	row(Launch{Function: 0, FunctionName: "fn", Args: 1, ArgsName: "args", Kwargs: "kwargs", Process: true, Count: "np", CountAt: 3}, "horovod.run horovod.torch.run")
}

// Launcher is how the function of a qualified name starts another one.
func Launcher(qualified string) (Launch, bool) {
	l, ok := launches[qualified]
	return l, ok
}
