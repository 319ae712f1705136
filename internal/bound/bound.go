// Package bound says what the names of a Python file hold where they are used: whether a name has a value on every way to the
// use, and whether the value may be None there. It knows what the tests around a place say, and that a name which was used has a
// value afterwards. Fixes are held to it: a fix leaves no name less certain than it was, and uses none that is not.
package bound

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// State are the ways in which a name may come to a place: without a value, as None, as something else.
type State uint8

// The ways.
const (
	Unbound State = 1 << iota
	None
	Value
)

// Use is one reading of a name, or of an attribute of the instance ("self.x").
type Use struct {
	Path  string
	Node  pyast.Node // the name, of an attribute its last part
	State State
	// Reached says that an attribute or item of it is taken, or that it is called: None has none.
	Reached bool
	// Scope is the function it is read in, by name; "" for the module.
	Scope string
	// Under is the test under which the name has its value, "" where that is not one test. Loop says that a loop gives it.
	Under string
	Loop  bool
	// Class is the class whose instance has the attribute, invalid for names. Open says that what it inherits is not at hand.
	Class pyast.Node
	Open  bool

	first State // the ways in the first round of the loop around
}

// Risk is what is wrong with a use on some way: Unbound where it has no value, None where it is None and more is asked of it.
func (u Use) Risk() State {
	risk := u.State & Unbound
	if u.Reached {
		risk |= u.State & None
	}
	return risk
}

// Sure reports whether a use fails on every way, or whenever the loop around it makes its first round.
func (u Use) Sure() bool { return fails(u.State, u.Reached) || fails(u.first, u.Reached) }

func fails(s State, reached bool) bool { return s == Unbound || s == None && reached }

// Uses are all readings in a file that can be reached, by the offset of the name.
func Uses(tree *pyast.Tree) map[int]Use {
	m := newModule(tree)
	uses := map[int]Use{}
	for _, f := range m.scopes {
		w := f.walker()
		w.uses = uses
		w.run()
	}
	return uses
}
