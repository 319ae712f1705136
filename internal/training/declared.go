package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

var (
	// continues are the words of options, functions and help texts for going on with a training that was begun before. Restoring
	// and initialising are not among them: that is how weights for another training come in.
	continues = regexp.MustCompile(`(?i)resum(e|ing)|continu(e|ing)`)
	// denied are the ways a condition says that there is nothing to go on with.
	denied = regexp.MustCompile(`\bnot\b|\bis None\b|==\s*(None|''|""|False|0\b)`)
)

// Declared reports whether the program says that training goes on from what is loaded, rather than begins with it: the option
// that names the file, or its help text, the condition around the load, or the function it stands in.
func (l *LoadSite) Declared() bool {
	f := l.Run.File
	for _, option := range f.optionsIn(l.Path.Value, 0) {
		if continues.MatchString(option) || continues.MatchString(f.help(option)) {
			return true
		}
	}
	for fr := l.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && fr.Positive && continues.MatchString(fr.Cond.Text()) && !denied.MatchString(strings.ReplaceAll(fr.Cond.Text(), "is not", "!=")) {
			return true
		}
	}
	for c := l.Ctx; c != nil; c = c.Parent {
		if continues.MatchString(c.Func.Name) {
			return true
		}
	}
	return false
}

// optionsIn are the names of the attributes and parameters that a file name is made of, `args.weights` in
// `os.path.join(args.weights, "last.pt")`.
func (f *File) optionsIn(v *pysem.Value, depth int) []string {
	if v == nil || depth > 4 {
		return nil
	}
	var out []string
	for _, a := range v.Alternatives() {
		switch a.Kind {
		case pysem.Attr, pysem.ParamVal:
			out = append(out, a.Name)
		case pysem.Str:
			for _, p := range a.Parts {
				out = append(out, f.optionsIn(p.Hole, depth+1)...)
			}
		case pysem.Call, pysem.Item:
			for _, part := range f.madeFrom(a) {
				out = append(out, f.optionsIn(part, depth+1)...)
			}
		}
	}
	return out
}

// option is what the command line's parser says of one of its options.
type option struct {
	help    string
	choices []string
}

// help is what the command line's help says of an option, "" if it is not declared in the files at hand.
func (f *File) help(name string) string { return f.option(name).help }

// choices are the values that an option may have, none where they are not told.
func (f *File) choices(name string) []string { return f.option(name).choices }

func (f *File) option(name string) option {
	if f.options == nil {
		f.options = map[string]option{}
		for _, m := range f.involved() {
			for _, fn := range m.Funcs {
				for _, call := range fn.Calls {
					f.declares(call)
				}
			}
		}
	}
	return f.options[name]
}

// declares notes the help and choices of one `parser.add_argument("--weights", help="...")`. What two parsers choose from is not told.
func (f *File) declares(call pyast.Node) {
	if name := calledName(call); name != "add_argument" && name != "option" {
		return
	}
	args := pysem.Args(call)
	name, _ := pysem.StringLiteral(args.Keyword["dest"])
	for _, n := range args.Position {
		if flag, ok := pysem.StringLiteral(n); ok && name == "" && (strings.HasPrefix(flag, "--") || len(strings.TrimLeft(flag, "-")) > 1) {
			name = strings.ReplaceAll(strings.TrimLeft(flag, "-"), "-", "_")
		}
	}
	if name == "" {
		return
	}
	said, again := f.options[name]
	if help, ok := args.Keyword["help"]; ok {
		said.help = help.Text()
	}
	choices := texts(args.Keyword["choices"])
	if again && !slices.Equal(choices, said.choices) {
		choices = nil
	}
	said.choices = choices
	f.options[name] = said
}

// texts are the elements of a list of string literals, none where one of them is something else.
func texts(n pyast.Node) []string {
	var out []string
	if !n.Is(pyast.KindList, pyast.KindTuple, pyast.KindSet) {
		return nil
	}
	for c := range n.Children() {
		s, ok := pysem.StringLiteral(c)
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}
