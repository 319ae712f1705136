package torch

import "strings"

// Nondeterminism is how an operation on CUDA tensors can differ from run to run.
//
// The source is the documentation of torch.use_deterministic_algorithms, as of 2.14:
// https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
// It has two lists: operations that act deterministically once it is asked for, and operations that then raise. Left out
// are operations whose entry hangs on what code does not show (torch.nn.NLLLoss raises for spatial targets only) and those
// that moved between the lists of the releases in use (cumsum, kthvalue, MaxPool3d, the replication pads).
type Nondeterminism struct {
	// Name is the module's class, the function or, for methods of tensors, "Tensor.x".
	Name string
	// Raises says that the operation has no deterministic form: it raises when deterministic algorithms are asked for.
	Raises bool
	// Backward says that only the gradient is concerned.
	Backward bool
	// Argument, at Position, decides: it must be one of Values, or, without Values, be given at all.
	Argument string
	Position int
	Values   []string
	// Unless1 says that an output size of 1 is free of it: torch then takes the mean.
	Unless1 bool
}

var blurring = []string{"linear", "bilinear", "bicubic", "trilinear"}

var nondeterministic = func() map[string]Nondeterminism {
	out := map[string]Nondeterminism{}
	put := func(n Nondeterminism, names string) {
		for _, name := range fields(names) {
			n.Name = name
			out[name] = n
		}
	}
	put(Nondeterminism{Raises: true, Backward: true, Position: -1}, `torch.nn.AvgPool3d torch.nn.functional.avg_pool3d torch.nn.AdaptiveMaxPool2d
		torch.nn.functional.adaptive_max_pool2d torch.nn.FractionalMaxPool2d torch.nn.FractionalMaxPool3d torch.nn.ReflectionPad1d
		torch.nn.ReflectionPad2d torch.nn.ReflectionPad3d torch.nn.CTCLoss torch.nn.functional.ctc_loss torch.nn.functional.grid_sample`)
	put(Nondeterminism{Raises: true, Position: -1}, `torch.nn.MaxUnpool1d torch.nn.MaxUnpool2d torch.nn.MaxUnpool3d torch.nn.functional.max_unpool1d
		torch.nn.functional.max_unpool2d torch.nn.functional.max_unpool3d torch.histc`)
	put(Nondeterminism{Raises: true, Backward: true, Argument: "output_size", Position: 0, Unless1: true}, "torch.nn.AdaptiveAvgPool2d torch.nn.AdaptiveAvgPool3d")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "output_size", Position: 1, Unless1: true},
		"torch.nn.functional.adaptive_avg_pool2d torch.nn.functional.adaptive_avg_pool3d")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "mode", Position: 3, Values: blurring}, "torch.nn.functional.interpolate torch.nn.functional.upsample")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "mode", Position: 2, Values: blurring}, "torch.nn.Upsample")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "mode", Position: 2, Values: []string{"reflect"}}, "torch.nn.functional.pad")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "padding_mode", Position: -1, Values: []string{"reflect"}}, "torch.nn.Conv1d torch.nn.Conv2d torch.nn.Conv3d")
	put(Nondeterminism{Raises: true, Backward: true, Argument: "mode", Position: 5, Values: []string{"max"}}, "torch.nn.EmbeddingBag")
	put(Nondeterminism{Raises: true, Argument: "weights", Position: 1}, "torch.bincount")
	put(Nondeterminism{Raises: true, Argument: "dim", Position: 1}, "torch.median")
	put(Nondeterminism{Position: -1}, "torch.scatter_add torch.index_add Tensor.scatter_add Tensor.scatter_add_ Tensor.index_add Tensor.index_add_")
	return out
}()

// Nondeterministic finds what is documented of an operation by its qualified name.
func Nondeterministic(qualified string) (Nondeterminism, bool) {
	if rest, ok := strings.CutPrefix(qualified, "torch.nn.modules."); ok { // torch.nn.modules.padding.ReflectionPad2d
		qualified = "torch.nn." + rest[strings.LastIndexByte(rest, '.')+1:]
	}
	n, ok := nondeterministic[qualified]
	return n, ok
}
