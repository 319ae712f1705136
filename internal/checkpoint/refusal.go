package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Refusal is something that torch.load refuses with weights_only=True.
type Refusal struct {
	File string
	// Name is what the pickle names, What that in words, As the form that would load, "" where there is no general one.
	Name, What, As string
	// Keys are some of those under which it stands.
	Keys []string
}

// WeightsOnly says whether torch.load takes the checkpoint with weights_only=True.
type WeightsOnly struct {
	// Applies is false where torch.load does not read the files.
	Applies bool
	// From is the first release that takes it, where one does; Because is what needs it.
	From    torch.Version
	Because string
	Refused []Refusal
}

// WeightsOnly looks at all that the pickles do.
func (c *Checkpoint) WeightsOnly() WeightsOnly {
	out := WeightsOnly{From: torch.WeightsOnly}
	for _, f := range c.Files {
		switch f.Format {
		case TorchScript:
			out.Applies = true
			out.Refused = append(out.Refused, Refusal{File: f.Name, Name: "TorchScript", What: "TorchScript archives: torch.jit.load reads them"})
		case TorchZip, TorchLegacy:
			out.Applies = out.Applies || len(f.Pickles) > 0
			for _, p := range f.Pickles {
				out.pickle(f, p)
			}
		}
	}
	return out
}

func (w *WeightsOnly) pickle(f *File, p *pickle.Pickle) {
	for _, a := range p.Actions {
		since, ok := allows(a)
		switch {
		case ok && w.From.Before(since):
			w.From, w.Because = since, a.Name
			if a.Does == pickle.Uses {
				w.Because = "numbers with a point"
			}
		case !ok:
			w.refuse(f, a)
		}
	}
}

// allows is the release from which weights_only=True does what a pickle does; ok is false where none does.
func allows(a pickle.Action) (torch.Version, bool) {
	since, ok := torch.Allowed(a.Name)
	switch a.Does {
	case pickle.Uses:
		return torch.AllowedOpcode(a.Name)
	case pickle.Appends:
		return torch.Version{}, false // to what is no list
	case pickle.News:
		return later(since, torch.AllowedNew(a.Name)), ok
	case pickle.Sets:
		if !ok && strings.HasPrefix(a.Name, "torch._utils._rebuild_") {
			return since, false
		}
		return later(since, torch.AllowedState(a.Name)), ok
	case pickle.Stores:
		return since, true // what it is stored in was refused, or is a dict
	}
	return since, ok
}

func later(a, b torch.Version) torch.Version {
	if a.Before(b) {
		return b
	}
	return a
}

// refuse tells of what is refused once, by what is imported.
func (w *WeightsOnly) refuse(f *File, a pickle.Action) {
	r := Refusal{File: f.Name, Name: a.Name}
	known := torch.Refused(a.Name)
	r.What, r.As = known.What, known.As
	switch {
	case a.Does == pickle.Uses:
		r.What = fmt.Sprintf("the pickle opcode %s: it was not written with pickle protocol 2", a.Name)
		if slices.ContainsFunc(w.Refused, func(o Refusal) bool { return o.File == f.Name && strings.Contains(o.What, "pickle opcode") }) {
			return // one stands for all
		}
	case r.What == "":
		r.What = fmt.Sprintf("objects of `%s`", a.Name)
	}
	same := func(o Refusal) bool { return o.File == r.File && (o.Name == r.Name || o.What == r.What) }
	if slices.ContainsFunc(w.Refused, same) || a.Name == "" || helps(a.Name) && len(w.Refused) > 0 {
		return
	}
	r.Keys = f.keysOf(a.Name)
	w.Refused = append(w.Refused, r)
}

// helps are globals that pickles import for the sake of another one.
func helps(name string) bool {
	return name == "numpy.dtype" || name == "numpy.ndarray" || name == "copyreg._reconstructor" || name == "builtins.object"
}

// keysOf are some of the keys under which something of a class stands.
func (f *File) keysOf(class string) []string {
	var out []string
	f.root.Walk(func(n *Node) bool {
		if len(out) >= 3 {
			return false
		}
		o, ok := n.Value.(*pickle.Object)
		if ok && o.Class() == class && n.parent != nil {
			out = append(out, n.Path())
		}
		return true
	})
	return out
}

// Import is something that unpickling the file would import.
type Import struct {
	File, Name string
	// Called says that it is called, or made an object of.
	Called bool
	// Danger says what it can do, "" for what is not known to be dangerous; Torch that it belongs to what torch writes itself.
	Danger string
	Torch  bool
}

// Imports are all that unpickling would import, the dangerous first.
func (c *Checkpoint) Imports() []Import {
	var out []Import
	at := map[[2]string]int{}
	for _, f := range c.Files {
		for _, p := range f.Pickles {
			for _, a := range p.Actions {
				id := [2]string{f.Name, a.Name}
				i, known := at[id]
				switch {
				case a.Does == pickle.Imports && !known:
					_, allowed := torch.Allowed(a.Name)
					at[id] = len(out)
					out = append(out, Import{File: f.Name, Name: a.Name, Danger: danger(a.Name), Torch: allowed || strings.HasPrefix(a.Name, "torch.")})
				case known && (a.Does == pickle.Calls || a.Does == pickle.News):
					out[i].Called = true
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Import) int {
		rank := func(x Import) int {
			switch {
			case x.Danger != "":
				return 0
			case !x.Torch:
				return 1
			}
			return 2
		}
		return rank(a) - rank(b)
	})
	return out
}

// dangers are modules, functions and classes with which a pickle can do something else than hold data, and what.
var dangers = func() map[string]string {
	out := map[string]string{}
	for why, names := range map[string]string{
		"runs commands":         "os posix nt subprocess pty commands popen2 platform.popen torch.utils.cpp_extension distutils.spawn asyncio.create_subprocess_shell asyncio.subprocess",
		"runs Python code":      "builtins.eval builtins.exec builtins.compile builtins.execfile builtins.__import__ builtins.breakpoint runpy code codeop timeit cProfile profile trace pdb bdb doctest importlib imp types.CodeType types.FunctionType marshal ctypes cffi numpy.testing numpy.f2py torch._dynamo torch.fx torch._inductor ensurepip pip idlelib lib2to3 test.support site",
		"unpickles other bytes": "pickle.load pickle.loads _pickle.load _pickle.loads cPickle.loads dill cloudpickle joblib.load pandas.read_pickle numpy.load torch.load torch.jit.load torch.hub torch.storage._load_from_bytes shelve jsonpickle",
		"reaches other objects": "builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals builtins.vars operator.attrgetter operator.methodcaller _operator.attrgetter _operator.methodcaller sys",
		"reads or writes files": "builtins.open io.open io.FileIO _io.open _io.FileIO codecs.open shutil tempfile pathlib.Path.write_text pathlib.Path.unlink fileinput linecache",
		"opens connections":     "socket ssl urllib http ftplib smtplib telnetlib xmlrpc requests aiohttp httplib webbrowser socketserver asyncio.open_connection",
	} {
		for _, n := range strings.Fields(names) {
			out[n] = why
		}
	}
	return out
}()

// through are attributes by which a dotted name leaves the module that it begins in.
var through = map[string]bool{"os": true, "sys": true, "subprocess": true, "builtins": true, "__builtins__": true, "__globals__": true, "__import__": true, "__subclasses__": true, "__class__": true}

// danger is what a global can do, by its name or by that of what it stands in.
func danger(name string) string {
	for i, part := range strings.Split(name, ".") {
		if i > 0 && through[part] {
			return "reaches other modules through attributes"
		}
	}
	for {
		if why := dangers[name]; why != "" {
			return why
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return ""
		}
		name = name[:i]
	}
}
