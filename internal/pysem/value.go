package pysem

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// ValueKind says what is known of a value.
type ValueKind uint8

// Kinds of values.
const (
	Unknown   ValueKind = iota
	NoneVal             // None
	Bool                // Bool
	Int                 // Int
	Float               // Float
	Str                 // Parts
	Tuple               // Elems
	List                // Elems; Open when more may be in it
	Dict                // Dict
	External            // Name: a qualified name outside the files at hand, as "torch.optim.SGD", "builtins.print", ".utils.save"
	FuncVal             // Func; Base is the instance for bound methods
	ClassVal            // Class
	Instance            // an object of Class; Node and Ctx are the constructing call, or nothing for a symbolic self; Other is the self of super()
	Call                // the result of calling Base, which nothing at hand defines
	Attr                // Base.Name
	Item                // Base[Other]
	Elem                // element Index of Base, unpacked
	ParamVal            // parameter Name of Ctx.Func, whose caller is not known
	LoopVar             // target of a for loop; Base is the iterable's value, Node the target
	Binary              // Base Name Other, as "+"
	Not                 // not Base
	Compare             // Base Name Other, one comparison, as "==", "in"
	Logic               // Elems joined by Name, "and" or "or"
	Join                // one of Elems, depending on the way taken
	ModuleVal           // Module, another file at hand, imported as Name
)

// Value is what is known of an expression at a place and in a calling context. Values are shared: do not change them.
type Value struct {
	Kind ValueKind
	// Node is the expression that made the value, in the file of Ctx.
	Node  pyast.Node
	Ctx   *Ctx
	Name  string
	Base  *Value
	Other *Value
	Int   int64
	Float float64
	Parts []Part
	Elems []*Value
	// Open says that a list may hold more.
	Open bool
	Dict *DictValue
	// Added are the constant keys that are set on the result of a Call afterwards, as on `d = model.state_dict()`.
	Added  []Entry
	Func   *Func
	Class  *Class
	Module *Module
	Index  int
	// size counts the values v is made of, 0 before it is asked for.
	size int
}

// Part is a piece of a string: literal text, or a hole filled by a value.
type Part struct {
	Lit  string
	Hole *Value
	// Format is the hole's format spec, as "04d".
	Format string
}

// DictValue is a dict with what is known of its keys.
type DictValue struct {
	Entries []Entry
	// Open says that there may be keys beyond Entries (spreads, unknown keys, unknown updates); Rest are values that are set under
	// keys that are not known.
	Open bool
	Rest []Expr
	// Literal is the dict display or dict(...) call it began as.
	Literal pyast.Node
}

// Entry is one known key.
type Entry struct {
	Key string
	// KeyNode is the key's expression; Pair is the whole pair, keyword argument or assignment that wrote it.
	KeyNode, Pair pyast.Node
	Value         Expr
	// Maybe says that the key is written on some ways only.
	Maybe bool
}

// Expr is an expression in a calling context, to be evaluated when needed. Val is set where the value is already at hand; Or
// are what it is instead on other ways.
type Expr struct {
	Node pyast.Node
	Ctx  *Ctx
	Val  *Value
	Or   []Expr
}

// same reports whether two expressions are written at one place.
func (x Expr) same(y Expr) bool { return x.Node == y.Node && x.Ctx == y.Ctx && x.Val == y.Val }

// or is x on some ways and y on others.
func (x Expr) or(y Expr) Expr {
	all := append([]Expr{x}, x.Or...)
	out := x
	out.Or = x.Or[:len(x.Or):len(x.Or)]
	for _, b := range append([]Expr{y}, y.Or...) {
		if !slices.ContainsFunc(all, b.same) && len(out.Or) < maxAlternatives {
			b.Or = nil
			out.Or = append(out.Or, b)
		}
	}
	return out
}

// Ctx is a calling context: which function, called from where. The chain of parents ends at a root whose parameters are
// symbolic.
type Ctx struct {
	Func *Func
	// Parent and Call are the caller and the call in it, nil and none for roots.
	Parent *Ctx
	Call   pyast.Node
	// Self is the instance a method runs on.
	Self *Value
	// Passed says that the function was handed to a foreign function (spawn, launch) rather than called. Given are the arguments
	// that it is started with; without them its parameters are symbolic.
	Passed bool
	Given  *Passed
	depth  int
}

// Root reports whether nothing is known of what the function is called with.
func (c *Ctx) Root() bool { return c.Parent == nil || c.Passed && c.Given == nil }

var (
	unknown = &Value{Kind: Unknown, size: 1}
	// bottom is the value on a way that only leads round a loop to the question itself; joins leave it out.
	bottom = &Value{Kind: Unknown, size: 1}
)

// weight counts the values v is made of, shared ones as often as they occur, since walks over v visit them so; text counts
// by its length.
func (v *Value) weight() int {
	if v.size > 0 {
		return v.size
	}
	n := 1
	if v.Base != nil {
		n += v.Base.weight()
	}
	if v.Other != nil {
		n += v.Other.weight()
	}
	for _, x := range v.Elems {
		n += x.weight()
	}
	for _, p := range v.Parts {
		n += 1 + len(p.Lit)/64
		if p.Hole != nil {
			n += p.Hole.weight()
		}
	}
	v.size = n
	return n
}

// present are the alternatives that something can be read from: None is left out where there are others, since reading from
// it raises.
func (v *Value) present() []*Value {
	all := v.Alternatives()
	some := slices.DeleteFunc(slices.Clone(all), func(a *Value) bool { return a.Kind == NoneVal })
	if len(some) == 0 {
		return all
	}
	return some
}

// Alternatives are the values v can be: its elements when it is a Join, else v itself.
func (v *Value) Alternatives() []*Value {
	if v.Kind == Join {
		return v.Elems
	}
	return []*Value{v}
}

// Known is the one alternative that is neither Unknown nor None, or nil when there is none or several.
func (v *Value) Known() *Value {
	var found *Value
	for _, a := range v.Alternatives() {
		if a.Kind == Unknown || a.Kind == NoneVal {
			continue
		}
		if found != nil && found.Key() != a.Key() {
			return nil
		}
		found = a
	}
	return found
}

// Callee is the qualified name of the external function whose call made the value, "" otherwise.
func (v *Value) Callee() string {
	if v.Kind == Call && v.Base.Kind == External {
		return v.Base.Name
	}
	return ""
}

// Method splits the result of a method call on something not defined at hand: `recv.name(...)`.
func (v *Value) Method() (recv *Value, name string, ok bool) {
	if v.Kind == Call && v.Base.Kind == Attr {
		return v.Base.Base, v.Base.Name, true
	}
	return nil, "", false
}

// KeyRead splits `base["key"]`, `base.get("key")` and `base.pop("key")` with a constant key.
func (v *Value) KeyRead() (base *Value, key string, ok bool) {
	if v.Kind == Item {
		s, ok := v.Other.Text()
		return v.Base, s, ok
	}
	if recv, name, ok := v.Method(); ok && (name == "get" || name == "pop") {
		arg := Args(v.Node).Pos(0)
		if s, ok := StringLiteral(arg); ok {
			return recv, s, true
		}
	}
	return nil, "", false
}

// Text is the whole string when every part of it is known.
func (v *Value) Text() (string, bool) {
	if v.Kind != Str {
		return "", false
	}
	var b strings.Builder
	for _, p := range v.Parts {
		if p.Hole != nil {
			return "", false
		}
		b.WriteString(p.Lit)
	}
	return b.String(), true
}

// Truth is the value's truth where it is a constant.
func (v *Value) Truth() (truth, known bool) {
	switch v.Kind {
	case NoneVal:
		return false, true
	case Bool, Int:
		return v.Int != 0, true
	case Float:
		return v.Float != 0, true
	case Str:
		s, ok := v.Text()
		return s != "", ok
	case Not:
		t, ok := v.Base.Truth()
		return !t, ok
	case Compare:
		return compared(v.Base, v.Name, v.Other)
	}
	return false, false
}

// compared is the truth of a comparison of two constants of one kind.
func compared(l *Value, op string, r *Value) (truth, known bool) {
	if order, ok := orders[op]; ok {
		a, aKnown := l.Number()
		b, bKnown := r.Number()
		return order(cmp.Compare(a, b)), aKnown && bKnown
	}
	same := false
	switch {
	case l.Kind == NoneVal && r.Kind == NoneVal:
		same = true
	case l.Kind == NoneVal && r.constant(), r.Kind == NoneVal && l.constant():
	case l.Kind == Int && r.Kind == Int:
		same = l.Int == r.Int
	default:
		a, aKnown := l.Text()
		b, bKnown := r.Text()
		if !aKnown || !bKnown {
			return false, false
		}
		same = a == b
	}
	switch op {
	case "==", "is":
		return same, true
	case "!=", "is not":
		return !same, true
	}
	return false, false
}

// orders are the operators that ask which of two numbers is the larger one.
var orders = map[string]func(sign int) bool{
	"<":  func(sign int) bool { return sign < 0 },
	"<=": func(sign int) bool { return sign <= 0 },
	">":  func(sign int) bool { return sign > 0 },
	">=": func(sign int) bool { return sign >= 0 },
}

func (v *Value) constant() bool {
	_, known := v.Truth()
	return known && v.Kind != Compare && v.Kind != Not
}

// Number is the value as a float where it is a constant number.
func (v *Value) Number() (float64, bool) {
	switch v.Kind {
	case Int:
		return float64(v.Int), true
	case Float:
		return v.Float, true
	}
	return 0, false
}

// Linear splits v into base + offset; constants have a nil base. ok is false when v is not of that form.
func (v *Value) Linear() (base *Value, offset int64, ok bool) {
	switch v.Kind {
	case Int:
		return nil, v.Int, true
	case Binary:
		if v.Name != "+" && v.Name != "-" {
			break
		}
		lb, lo, lok := v.Base.Linear()
		rb, ro, rok := v.Other.Linear()
		if !lok || !rok {
			return nil, 0, false
		}
		if v.Name == "-" {
			if rb != nil {
				return nil, 0, false
			}
			return lb, lo - ro, true
		}
		if lb != nil && rb != nil {
			return nil, 0, false
		}
		if lb == nil {
			lb = rb
		}
		return lb, lo + ro, true
	case Call:
		if v.Callee() == "builtins.int" {
			return v, 0, true
		}
	case Unknown:
		return nil, 0, false
	}
	return v, 0, true
}

// Key identifies the object a value stands for: equal keys mean the same object as far as can be told. Unknown values have
// keys of their own expression. What one expression makes for two callers are two objects.
func (v *Value) Key() string {
	if v.Kind == Instance && v.Other == nil && v.Node.Valid() || v.Kind == Call {
		return v.Site() + v.Ctx.path()
	}
	return v.Site()
}

// MaySame reports whether two values that are made are one object as far as can be told: made by one expression, for one caller, or for
// one whose own callers are not known on one side.
func (v *Value) MaySame(w *Value) bool {
	if v.Kind != w.Kind || v.Kind != Call && v.Kind != Instance || !v.Node.Valid() || v.Node != w.Node {
		return false
	}
	a, b := v.Ctx.path(), w.Ctx.path()
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// maxPath bounds the calls that tell objects of one expression apart.
const maxPath = 3

// path are the calls that lead to a context, the innermost first.
func (c *Ctx) path() string {
	out := ""
	for n := 0; c != nil && c.Parent != nil && n < maxPath; n++ {
		out += "@" + strconv.Itoa(c.Call.ID())
		c = c.Parent
	}
	return out
}

// Site is Key, but for the calls that lead to where the object is made.
func (v *Value) Site() string {
	switch v.Kind {
	case External:
		return "ext:" + v.Name
	case FuncVal:
		return "func:" + address(unsafe.Pointer(v.Func))
	case ClassVal:
		return "class:" + address(unsafe.Pointer(v.Class))
	case ModuleVal:
		return "module:" + address(unsafe.Pointer(v.Module))
	case Instance:
		if v.Other != nil { // super()
			return v.Other.Key()
		}
		if !v.Node.Valid() {
			return "self:" + address(unsafe.Pointer(v.Class))
		}
	case Attr:
		return v.Base.Key() + "." + v.Name
	case Item:
		return v.Base.Key() + "[" + v.Other.Key() + "]"
	case Elem:
		return v.Base.Key() + "#" + strconv.Itoa(v.Index)
	case ParamVal:
		return "param:" + address(unsafe.Pointer(v.Ctx.Func)) + ":" + v.Name
	case Int, Bool:
		return "int:" + strconv.FormatInt(int64(v.Int), 10)
	case Float:
		return fmt.Sprintf("float:%v", v.Float)
	case Str:
		if s, ok := v.Text(); ok {
			return "str:" + s
		}
	case NoneVal:
		return "none"
	case Dict:
		// One display with and without keys added later are two values.
		return "dict:" + address(unsafe.Pointer(v.Dict))
	case List:
		return fmt.Sprintf("list:%s:%d:%d:%t", address(unsafe.Pointer(v.Node.Tree())), v.Node.ID(), len(v.Elems), v.Open)
	case Join:
		keys := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			keys[i] = e.Key()
		}
		return "join(" + strings.Join(keys, "|") + ")"
	}
	return "node:" + address(unsafe.Pointer(v.Node.Tree())) + ":" + strconv.Itoa(v.Node.ID())
}

// address tells one thing in memory from another.
func address(p unsafe.Pointer) string { return strconv.FormatUint(uint64(uintptr(p)), 36) }

// ArgList are the arguments of a call as written.
type ArgList struct {
	Call     pyast.Node
	Position []pyast.Node
	Keyword  map[string]pyast.Node
	// Star and KwStar say that *args or **kwargs stand among them; positions after a star are left out of Position.
	Star, KwStar bool
	// StarNode is the first *argument's expression.
	StarNode pyast.Node
}

// Args reads the arguments of a call node.
func Args(call pyast.Node) ArgList {
	a := ArgList{Call: call, Keyword: map[string]pyast.Node{}}
	list := call.Child(pyast.FieldArguments)
	if list.Kind() == pyast.KindGeneratorExpression {
		a.Position = append(a.Position, list)
		return a
	}
	for c := range list.Children() {
		switch c.Kind() {
		case pyast.KindKeywordArgument:
			a.Keyword[c.Child(pyast.FieldName).Text()] = c.Child(pyast.FieldValue)
		case pyast.KindListSplat:
			if !a.Star {
				a.StarNode = c.Nth(0)
			}
			a.Star = true
		case pyast.KindDictionarySplat:
			a.KwStar = true
		default:
			if !a.Star {
				a.Position = append(a.Position, c)
			}
		}
	}
	return a
}

// Pos is the i-th positional argument, none if absent.
func (a ArgList) Pos(i int) pyast.Node {
	if i >= 0 && i < len(a.Position) {
		return a.Position[i]
	}
	return pyast.Node{}
}

// Get is the argument given by keyword name or, failing that, at position i (-1 for keyword-only).
func (a ArgList) Get(i int, name string) pyast.Node {
	if n, ok := a.Keyword[name]; ok {
		return n
	}
	return a.Pos(i)
}

// May reports whether an argument that Get does not find may still be passed through a star.
func (a ArgList) May() bool { return a.Star || a.KwStar }
