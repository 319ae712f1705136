// Package pickle reads Python pickles as data: it interprets the opcodes and keeps what they would import, call and set as values.
// Nothing is imported and nothing is called. What a pickle makes it keep is bounded, whatever the pickle says.
package pickle

import (
	"fmt"
	"math/big"
)

// Value is what a pickle makes: nil for None, bool, int64, *big.Int, float64, *Text, *List, *Dict, *Global, *Object or *Persistent.
// Values are shared where the pickle shares them, and may hold themselves.
type Value any

// Text is a str, or bytes.
type Text struct {
	// Kept is the text, or its beginning where it is longer than Limits.Keep.
	Kept  string
	Bytes bool
	// Len is the length in bytes, Sum a CRC-32 of all of it, and Offset where it begins in the stream.
	Len    int64
	Sum    uint32
	Offset int64
}

// Whole reports whether all of the text is kept.
func (t *Text) Whole() bool { return t.Len == int64(len(t.Kept)) }

// Sequence is which kind of sequence a List is.
type Sequence uint8

// Sequences.
const (
	ListOf Sequence = iota
	TupleOf
	SetOf
	FrozenSetOf
)

// List is a list, tuple or set.
type List struct {
	Kind  Sequence
	Items []Value
	// Len is how many there are: of a long one the first Limits.Items are kept.
	Len int64
}

// Entry is one item of a dict.
type Entry struct{ Key, Value Value }

// Dict is a dict in the order of its items.
type Dict struct{ Entries []Entry }

// Get is the value of a key, nil where there is none. A key that is set twice has its last value.
func (d *Dict) Get(key string) (Value, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if t, ok := d.Entries[i].Key.(*Text); ok && t.Kept == key && t.Whole() {
			return d.Entries[i].Value, true
		}
	}
	return nil, false
}

// Global is what a pickle would import.
type Global struct{ Module, Name string }

func (g *Global) String() string { return g.Module + "." + g.Name }

// Object is what a pickle would make by a call: of a function (REDUCE) or of a class (NEWOBJ, INST, OBJ).
type Object struct {
	// Made is what would be called, most often a *Global; Args its arguments, and Keywords those by name.
	Made           Value
	Args, Keywords Value
	// New says that the class is called without its __init__.
	New bool
	// State is what BUILD would set; Built says that there is one.
	State Value
	Built bool
	// Items and Entries are appended to the object and set in it.
	Items   []Value
	Entries []Entry
}

// Class is the name of what makes the object, "" where that is no global.
func (o *Object) Class() string {
	if g, ok := o.Made.(*Global); ok {
		return g.String()
	}
	return ""
}

// Argument is one of the positional arguments, nil where there is none.
func (o *Object) Argument(i int) Value {
	if l, ok := o.Args.(*List); ok && i >= 0 && i < len(l.Items) {
		return l.Items[i]
	}
	return nil
}

// Persistent is an object that lies outside of the pickle: in a checkpoint, a storage.
type Persistent struct{ ID Value }

// String is the text that a value is, if it is one and whole.
func String(v Value) (string, bool) {
	t, ok := v.(*Text)
	if !ok || !t.Whole() {
		return "", false
	}
	return t.Kept, true
}

// Int is the number that a value is.
func Int(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case *big.Int:
		return 0, false
	}
	return 0, false
}

// Float is the number that a value is, a bool not among them.
func Float(v Value) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Does is what an opcode would do that plain data do not need.
type Does uint8

// What opcodes do.
const (
	Imports Does = iota // a global
	Calls               // REDUCE
	News                // NEWOBJ, INST, OBJ
	Sets                // BUILD, by the class of what is set
	Appends             // to what is no list
	Stores              // items into what is no dict
	Uses                // an opcode, by its name
)

// Action is something that a pickle does, told once with its first place.
type Action struct {
	Does Does
	// Name is that of the global, of what makes the object, or of the opcode; "" where that is no global.
	Name   string
	Offset int64
}

// Limits bound what is read and kept of a pickle.
type Limits struct {
	Ops   int64 // opcodes
	Cells int   // items of sequences and dicts, objects, memo entries: each at most 150 bytes
	Text  int   // bytes of text that is kept
	Keep  int   // bytes of one text
	Items int   // of one sequence
	Stack int
}

// DefaultLimits keep a pickle below 700 MB of memory, and a checkpoint with a hundred thousand tensors below a tenth of that.
var DefaultLimits = Limits{Ops: 200_000_000, Cells: 4 << 20, Text: 64 << 20, Keep: 64 << 10, Items: 100_000, Stack: 1 << 20}

// Error is why a pickle cannot be read on.
type Error struct {
	// Offset is that of the opcode, from the pickle's beginning.
	Offset int64
	Op     string
	Err    error
}

func (e *Error) Error() string {
	if e.Op == "" {
		return fmt.Sprintf("at byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("at byte %d (%s): %v", e.Offset, e.Op, e.Err)
}

// Unwrap is the reason.
func (e *Error) Unwrap() error { return e.Err }
