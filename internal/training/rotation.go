package training

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

var (
	removers      = regexp.MustCompile(`^(os\.(remove|unlink|removedirs|rmdir)|shutil\.rmtree|send2trash\.send2trash|tensorflow\.io\.gfile\.(remove|rmtree))$`)
	removeMethods = regexp.MustCompile(`^(unlink|rmtree|rmdir|rm_file|delete_file)$`)
	rotationName  = regexp.MustCompile(`(?i)(rotate|prune|clean_?up|purge|(remove|delete|clean)_?(old|prev|last|stale|extra|checkpoint|ckpt|file|model)|(max|keep|num)_?(to_?keep|last|n_?last|newest|history|checkpoints|ckpts|recent|saved)|total_?limit|save_?top_?k|keep_?(n|top|k|best))`)
	renamers      = regexp.MustCompile(`^(os\.(replace|rename|renames)|shutil\.move)$`)
	temporary     = regexp.MustCompile(`(?i)(^|[._\-/])(tmp|temp|temporary|partial|part|new|inprogress|incomplete)\d*($|[._\-/*])|tmp|tempfile|NamedTemporary|mkstemp`)
)

// removing are names of which one stands in each file that removers or removeMethods find something in.
var removing = []string{"remove", "unlink", "removedirs", "rmdir", "rmtree", "send2trash", "rm_file", "delete_file"}

// temporaryFiles make a file or directory in the system's directory for temporary files, unless dir says another.
var temporaryFiles = regexp.MustCompile(`^tempfile\.(NamedTemporaryFile|TemporaryDirectory|mkstemp|mkdtemp|mktemp)$`)

// temporaryWord is what a file names that makes such files.
var temporaryWord = regexp.MustCompile(`^(tempfile|NamedTemporaryFile|TemporaryDirectory|mkstemp|mkdtemp|mktemp)$`)

// MovedFile is a checkpoint that is written where the system keeps temporary files and then moved to its place.
type MovedFile struct {
	// Made is the call that makes the temporary file, Move the one that moves it, by Name.
	Made, Move pyast.Node
	Name       string
}

// MovedFromTemporary are the moves, in functions that save, of files made by tempfile without a directory: what they are moved to
// may lie on another file system.
func (f *File) MovedFromTemporary() []MovedFile {
	if !f.Module.Words().Names.Match(temporaryWord) {
		return nil
	}
	var out []MovedFile
	for _, fn := range f.Module.Funcs {
		var made, moves []pyast.Node
		saves := false
		for _, c := range fn.Calls {
			name := f.qualified(c.Child(pyast.FieldFunction))
			args := pysem.Args(c)
			_, placed := args.Keyword["dir"]
			switch {
			case name == "torch.save":
				saves = true
			case temporaryFiles.MatchString(name) && !placed && !args.May():
				made = append(made, c)
			case renamers.MatchString(name):
				moves = append(moves, c)
			}
		}
		if !saves || len(made) == 0 {
			continue
		}
		for _, move := range moves {
			for _, a := range f.Eval.Eval(rootOf(pysem.Args(move).Pos(0)), f.Eval.In(f.Module, move)).Alternatives() {
				if slices.Contains(made, a.Node) {
					out = append(out, MovedFile{a.Node, move, f.qualified(move.Child(pyast.FieldFunction))})
				}
			}
		}
	}
	return out
}

// rootOf is the object of an attribute, `tmp` of `tmp.name`; other expressions are their own.
func rootOf(n pyast.Node) pyast.Node {
	for n.Kind() == pyast.KindAttribute {
		n = n.Child(pyast.FieldObject)
	}
	return n
}

// Atomic reports whether the save writes beside the file and renames, or its name says that it is not yet the real one.
func (s *SaveSite) Atomic() bool {
	if s.Written != s.Path || temporary.MatchString(s.Path.Pattern) || temporary.MatchString(s.Path.Node.Text()) {
		return true
	}
	for _, a := range s.Path.Value.Alternatives() {
		if a.Node.Valid() && temporary.MatchString(a.Node.Text()) {
			return true
		}
	}
	for _, x := range s.Run.renames() {
		if x.Index > s.Index && !x.keeps && (SamePath(s.Path, s.Run.File.pathOf(x.from)) || x.source().Text() == s.Path.Node.Text()) {
			return true
		}
	}
	return false
}

// pathOf reads the shape of a value that is a file name.
func (f *File) pathOf(v *pysem.Value) *Path {
	if v == nil || !v.Node.Valid() {
		return nil
	}
	return f.path(v.Node, v.Ctx)
}

// Padding says how the numbers in a name are written.
type Padding uint8

// Ways to write a number into a name.
const (
	PaddingUnknown Padding = iota
	Padded                 // with leading zeros: text order is number order
	Unpadded
)

// Padding says how the name writes the epoch or step.
func (p *Path) Padding() Padding {
	if len(p.Progress) == 0 {
		return PaddingUnknown
	}
	for _, v := range p.Value.Alternatives() {
		if v.Kind != pysem.Str {
			continue
		}
		for _, part := range v.Parts {
			if part.Hole == nil {
				continue
			}
			if _, m, ok := part.Hole.Method(); zeroPadded.MatchString(part.Format) || ok && (m == "zfill" || m == "rjust") || formatsPadded(part.Hole) {
				return Padded
			}
		}
	}
	return Unpadded
}

// formatsPadded reports whether a value is format(n, "05d").
func formatsPadded(v *pysem.Value) bool {
	return v.Callee() == "builtins.format" && zeroPadded.MatchString(strings.TrimLeft(pysem.Args(v.Node).Pos(1).Text(), `fr"'`))
}

// unpad is the number inside str(n).zfill(6).
func (f *File) unpad(v *pysem.Value) *pysem.Value {
	if formatsPadded(v) {
		return f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx)
	}
	recv, m, ok := v.Method()
	if !ok || m != "zfill" && m != "rjust" {
		return v
	}
	if recv.Callee() == "builtins.str" {
		return f.Eval.Eval(pysem.Args(recv.Node).Pos(0), recv.Ctx)
	}
	if recv.Kind == pysem.Str && len(recv.Parts) == 1 && recv.Parts[0].Hole != nil {
		return recv.Parts[0].Hole
	}
	return recv
}

// A width may be a variable: {epoch:0{width}d}, %0*d.
var zeroPadded = regexp.MustCompile(`^[<>^=+ ]*0(\d|\*|\{)|^\.\d+d`)

// Listing is a list of file names in no order: glob.glob, os.listdir, Path.glob.
type Listing struct {
	// Node is the call that lists; Pattern is the glob's shape or the directory's name, with "*" for what is not known.
	Node    pyast.Node
	Pattern string
	// Dir is the shape of the directory that is listed, "" where nothing is known of it.
	Dir string
}

var listers = regexp.MustCompile(`^(glob\.(glob|iglob)|os\.(listdir|scandir))$`)

// Listing finds the directory listing that a value is made of, through list(), comprehensions, filters and sums.
func (f *File) Listing(v *pysem.Value) (Listing, bool) { return f.listing(v, 0) }

func (f *File) listing(v *pysem.Value, depth int) (Listing, bool) {
	if v == nil || depth > 6 {
		return Listing{}, false
	}
	for _, a := range v.Alternatives() {
		if l, ok := f.lists(a, depth); ok {
			return l, true
		}
	}
	return Listing{}, false
}

func (f *File) lists(a *pysem.Value, depth int) (Listing, bool) {
	switch {
	case listers.MatchString(a.Callee()):
		arg := pysem.Args(a.Node).Pos(0)
		dir := f.knownShape(arg, a.Ctx)
		if strings.HasSuffix(a.Callee(), "glob") {
			dir = path.Dir(dir)
		}
		return Listing{a.Node, f.shape(arg, a.Ctx), dir}, true
	case a.Callee() == "builtins.list" || a.Callee() == "builtins.filter" || a.Callee() == "builtins.map":
		args := pysem.Args(a.Node).Position
		if len(args) == 0 || a.Callee() == "builtins.map" && (len(args) != 2 || !f.textKey(args[0], a.Ctx)) {
			return Listing{}, false // mapped to numbers, the names are sorted by them
		}
		return f.listing(f.Eval.Eval(args[len(args)-1], a.Ctx), depth+1)
	case a.Kind == pysem.Call:
		recv, m, ok := a.Method()
		if ok && (m == "glob" || m == "rglob" || m == "iterdir") {
			dir := f.knownShape(recv.Node, recv.Ctx)
			if m == "rglob" {
				dir = ""
			}
			return Listing{a.Node, f.shape(recv.Node, recv.Ctx) + "/" + f.shape(pysem.Args(a.Node).Pos(0), a.Ctx), dir}, true
		}
	}
	if !a.Node.Is(pyast.KindListComprehension, pyast.KindGeneratorExpression) || a.Ctx == nil {
		return Listing{}, false
	}
	clauses := 0
	var source pyast.Node
	for c := range a.Node.Children() {
		if c.Kind() == pyast.KindForInClause {
			clauses++
			source = c.Child(pyast.FieldRight)
		}
	}
	// A comprehension that takes the number out of the name sorts by number already.
	body := a.Node.Child(pyast.FieldBody)
	if clauses != 1 || strings.Contains(body.Text(), "int(") || strings.Contains(body.Text(), "re.") || strings.Contains(body.Text(), "getmtime") {
		return Listing{}, false
	}
	l, ok := f.listing(f.Eval.Eval(source, a.Ctx), depth+1)
	for c := range a.Node.Children() {
		if c.Kind() == pyast.KindIfClause {
			l.Pattern += " " + c.Text()
		}
	}
	return l, ok
}

// knownShape is the shape of a name, "" where nothing is known of it.
func (f *File) knownShape(n pyast.Node, ctx *pysem.Ctx) string {
	if p := f.path(n, ctx); p.Known {
		return p.Pattern
	}
	return ""
}

func (f *File) shape(n pyast.Node, ctx *pysem.Ctx) string {
	if p := f.path(n, ctx); p.Known {
		return p.Pattern
	}
	return n.Text()
}

// Same reports whether every part of the file's own name is a literal, or a setting such as args.name or args["name"], which stays
// as it is.
func (p *Path) Same() bool {
	for _, v := range p.Value.Alternatives() {
		if v.Kind != pysem.Str {
			continue
		}
		for i := len(v.Parts) - 1; i >= 0; i-- {
			part := v.Parts[i]
			if part.Hole == nil {
				if strings.Contains(part.Lit, "/") {
					break
				}
				continue
			}
			if part.Hole.Kind != pysem.Attr && part.Hole.Kind != pysem.External && !setting(part.Hole) {
				return false
			}
		}
	}
	return true
}

// setting reports whether a value is under constant keys of what a program is given: `args["logging"]["tag"]`.
func setting(v *pysem.Value) bool {
	if v.Kind != pysem.Item {
		return false
	}
	for v.Kind == pysem.Item {
		base, _, ok := v.KeyRead()
		if !ok {
			return false
		}
		v = base
	}
	return v.Kind == pysem.ParamVal || v.Kind == pysem.Attr || v.Kind == pysem.Call
}
