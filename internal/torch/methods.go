package torch

import (
	"regexp"
	"strings"
	"sync"
)

// Joint says what processes do together in a call that every one of them must make.
type Joint uint8

// What they do together.
const (
	NotJoint   Joint = iota
	Barrier          // wait for all
	Exchange         // exchange data: all_reduce, broadcast, gather and the like
	JointSave        // write a checkpoint
	JointState       // put together a state of which each has a part
)

// Method is what a method of an object does that every process must call.
type Method struct {
	Name string
	Does Joint
	// Of are the callees that make such objects, or the classes that annotations name; Called matches the names that they go by, of which
	// one tells the object where nothing else does. With neither the method's name is enough.
	Of     []string
	Called *regexp.Regexp
	// Keyword is an argument of the method that no other library's has: a call that gives it needs no more to be known, "" for none.
	Keyword string
	// Import is the beginning of an import that a file must hold for Called to tell the object, "" for none.
	Import string
	// Count is the keyword by which what makes such an object is told how many processes there are, "" for none.
	Count string
	// Without are names of which one shows that a program is for a release in which it was not so.
	Without []string
	// Uncertain says that it depends on the backend whether the processes need each other in it.
	Uncertain bool
	// Path is the keyword of where a JointSave writes all that its object holds, which it is given first. Where that is a folder for several checkpoints, Tag is the
	// keyword of the name in it, which comes next, and Numbered what stands in front of the count of steps in a name that it makes itself.
	Path, Tag, Numbered string
	// As is the function of the tables that the method is like: one that writes what it is handed, or restores into it.
	As Entry
}

const (
	anyLightningTrainer = "lightning.Trainer lightning.pytorch.Trainer lightning.pytorch.trainer.Trainer lightning.pytorch.trainer.trainer.Trainer"
	anyFabric           = "lightning.Fabric lightning.fabric.Fabric lightning.fabric.fabric.Fabric"
	anyAccelerator      = "accelerate.Accelerator accelerate.accelerator.Accelerator"
)

var (
	acceleratorName = regexp.MustCompile(`(?i)(^|[._])accelerator$`)
	engineName      = regexp.MustCompile(`(?i)(^|[._])(model_)?engine$|deep_?speed`)
	fabricName      = regexp.MustCompile(`(?i)(^|[._])fabric$`)
	trainerName     = regexp.MustCompile(`(?i)(^|[._])trainer$`)
)

// beforeLightning2 are hooks and methods that Lightning 2.0 and earlier releases removed. The processes wait for each other in save_checkpoint
// since 2.1 (https://github.com/Lightning-AI/pytorch-lightning/pull/17408).
var beforeLightning2 = fields(`from_argparse_args add_argparse_args training_epoch_end validation_epoch_end test_epoch_end training_step_end
	validation_step_end on_keyboard_interrupt on_pretrain_routine_start on_pretrain_routine_end`)

var methods = map[string][]Method{}

func init() {
	row := func(m Method, of, names string) {
		m.Of = fields(of)
		for _, n := range fields(names) {
			m.Name = n
			methods[n] = append(methods[n], m)
		}
	}
	row(Method{Does: Barrier}, "", "barrier wait_for_everyone")
	row(Method{Does: JointState}, "", "consolidate_state_dict")
	row(Method{Does: Exchange}, "", "full_tensor") // of a DTensor
	row(Method{Does: JointSave, Called: acceleratorName, Uncertain: true, Path: "output_dir"}, anyAccelerator, "save_state")
	row(Method{Does: Exchange, Called: acceleratorName}, anyAccelerator, "gather gather_for_metrics reduce pad_across_processes")
	row(Method{Does: JointSave, Called: engineName, Keyword: "client_state", Path: "save_dir", Tag: "tag", Numbered: "global_step"}, "deepspeed.initialize", "save_checkpoint")
	row(Method{Does: JointSave, Called: engineName}, "deepspeed.initialize", "save_16bit_model")
	row(Method{Does: JointSave, Called: fabricName}, anyFabric, "save")
	row(Method{Does: Exchange, Called: fabricName}, anyFabric, "all_gather all_reduce broadcast")
	acting := func(called *regexp.Regexp, of, name string, as Entry) {
		likeFunctions[name] = append(likeFunctions[name], Method{Name: name, Called: called, Of: fields(of), As: as})
	}
	acting(acceleratorName, anyAccelerator, "save", Entry{Kind: Saver, Payload: "obj", Path: "f", Once: true})
	acting(fabricName, anyFabric, "save", Entry{Kind: Saver, Payload: "state", Path: "path", PathFirst: true, Collective: true})
	acting(fabricName, anyFabric, "load", Entry{Kind: FileLoader, Payload: "state", Path: "path", PathFirst: true, Fills: true})
	row(Method{Does: JointSave, Called: trainerName, Import: "lightning", Count: "devices", Without: beforeLightning2, Path: "filepath"}, anyLightningTrainer, "save_checkpoint")
}

// likeFunctions are the methods that are like a function of the tables, by name.
var likeFunctions = map[string][]Method{}

// LikeFunctions are the methods of a name that are like a function of the tables.
func LikeFunctions(name string) []Method { return likeFunctions[name] }

// JointMethods are what methods of a name do that every process must call.
func JointMethods(name string) []Method { return methods[name] }

// distributedSaver are the savers of libraries whose module is for checkpoints that processes write together.
var distributedSaver = regexp.MustCompile(`^\w.*\b(distributed|dist)[._]?checkpoint(ing)?\.(async_)?save\w*$`)

// SavesTogether reports whether a function is, by the module that it is from, one in which all processes write a checkpoint together.
func SavesTogether(qualified string) bool { return distributedSaver.MatchString(qualified) }

// jointNames are the last names of all that processes must call together.
var jointNames = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	plain := fields("gather scatter reduce broadcast_") // of one process's tensors, far more often
	for name := range methods {
		out[name] = true
	}
	for name, e := range entries {
		if e.Kind == Collective || e.Collective {
			out[name[strings.LastIndexByte(name, '.')+1:]] = true
		}
	}
	for _, name := range plain {
		delete(out, name)
	}
	return out
})

// JointName reports whether something of the name may be a call that every process must make.
func JointName(last string) bool { return jointNames()[last] }
