package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// CublasConfig is the environment variable that cuBLAS's determinism hangs on.
const CublasConfig = "CUBLAS_WORKSPACE_CONFIG"

// CublasConfigured reports whether any string or name in the file speaks of the variable.
func (f *File) CublasConfigured() bool {
	return f.speaks(cublasWord)
}

var (
	cublasWord = regexp.MustCompile(CublasConfig)
	cudaWord   = regexp.MustCompile(`(?i)^(cuda|cudnn)`)
)

// SpeaksOfCUDA reports whether the file uses CUDA, or sets anything of torch.cuda or cuDNN, and does not hide all devices.
func (f *File) SpeaksOfCUDA() bool {
	if !f.UsesCUDA() && !f.names(cudaWord) {
		return false
	}
	for _, n := range f.EnvironmentSettings("CUDA_VISIBLE_DEVICES") {
		if devices, ok := pysem.StringLiteral(n.Child(pyast.FieldRight)); ok && (devices == "" || devices == "-1") {
			return false
		}
	}
	return true
}

// Requests are the places of a run that ask for deterministic algorithms for sure, in order.
func (r *Run) Requests() []Switch {
	var out []Switch
	for _, s := range r.Switches() {
		if s.Knob == DeterministicAlgorithms && s.Known && s.On {
			out = append(out, s)
		}
	}
	return out
}

// WarnsOnly reports whether a request lets operations without a deterministic form pass with a warning, as far as is known.
func (s Switch) WarnsOnly() bool {
	n, ok := pysem.Args(s.Event.Node).Keyword["warn_only"]
	return ok && !n.Is(pyast.KindFalse)
}
