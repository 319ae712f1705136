package pickle

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

const opStop = '.'

// names are those of the opcodes that there are, as pickletools gives them.
var names = [256]string{
	'(': "MARK", '.': "STOP", '0': "POP", '1': "POP_MARK", '2': "DUP", 'F': "FLOAT", 'I': "INT", 'J': "BININT", 'K': "BININT1", 'L': "LONG", 'M': "BININT2",
	'N': "NONE", 'P': "PERSID", 'Q': "BINPERSID", 'R': "REDUCE", 'S': "STRING", 'T': "BINSTRING", 'U': "SHORT_BINSTRING", 'V': "UNICODE", 'X': "BINUNICODE",
	'a': "APPEND", 'b': "BUILD", 'c': "GLOBAL", 'd': "DICT", '}': "EMPTY_DICT", 'e': "APPENDS", 'g': "GET", 'h': "BINGET", 'i': "INST", 'j': "LONG_BINGET",
	'l': "LIST", ']': "EMPTY_LIST", 'o': "OBJ", 'p': "PUT", 'q': "BINPUT", 'r': "LONG_BINPUT", 's': "SETITEM", 't': "TUPLE", ')': "EMPTY_TUPLE", 'u': "SETITEMS",
	'G': "BINFLOAT", 0x80: "PROTO", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x85: "TUPLE1", 0x86: "TUPLE2", 0x87: "TUPLE3", 0x88: "NEWTRUE",
	0x89: "NEWFALSE", 0x8a: "LONG1", 0x8b: "LONG4", 'B': "BINBYTES", 'C': "SHORT_BINBYTES", 0x8c: "SHORT_BINUNICODE", 0x8d: "BINUNICODE8", 0x8e: "BINBYTES8",
	0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x94: "MEMOIZE", 0x95: "FRAME", 0x96: "BYTEARRAY8",
	0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}

// sized are opcodes with a text whose length has so many bytes, and whether that is bytes.
var sized = map[byte]struct {
	length int
	bytes  bool
}{
	'T': {4, false}, 'U': {1, false}, 'X': {4, false}, 'B': {4, true}, 'C': {1, true}, 0x8c: {1, false}, 0x8d: {8, false}, 0x8e: {8, true}, 0x96: {8, true},
}

// plain are the opcodes that torch's weights_only has known since it exists, and that need not be told of.
var plain = func() (out [256]bool) {
	for _, op := range []byte("(.JKMNQRUXabc}eh]jqrst)u\x80\x81\x85\x86\x87\x88\x89\x8a\x8f") {
		out[op] = true
	}
	return out
}()

// do interprets one opcode.
func (m *machine) do(op byte) error {
	if names[op] == "" {
		return errUnknown
	}
	if !plain[op] {
		m.note(Uses, names[op])
	}
	if s, ok := sized[op]; ok {
		n, err := m.number(s.length)
		if err != nil {
			return err
		}
		t, err := m.text(n, s.bytes)
		if err != nil {
			return err
		}
		return m.push(t)
	}
	switch op {
	case 0x80:
		n, err := m.number(1)
		m.out.Protocol = int(n)
		return err
	case 0x95: // a frame only says how much to read ahead
		_, err := m.number(8)
		return err
	case '(':
		if len(m.marks) >= m.limits.Stack {
			return ErrLimit
		}
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0':
		if len(m.marks) > 0 && len(m.stack) == m.floor() {
			m.marks = m.marks[:len(m.marks)-1]
			return nil
		}
		_, err := m.pop()
		return err
	case '1':
		_, err := m.popMark()
		return err
	case '2':
		v, err := m.top()
		if err != nil {
			return err
		}
		return m.push(v)
	case 'N':
		return m.push(nil)
	case 0x88, 0x89:
		return m.push(op == 0x88)
	case 'J', 'K', 'M':
		n, err := m.number(map[byte]int{'J': 4, 'K': 1, 'M': 2}[op])
		if err != nil {
			return err
		}
		if op == 'J' {
			return m.push(int64(int32(n)))
		}
		return m.push(int64(n))
	case 0x8a, 0x8b:
		n, err := m.number(map[byte]int{0x8a: 1, 0x8b: 4}[op])
		if err != nil {
			return err
		}
		return m.integer(n)
	case 'G':
		n, err := m.number(8)
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(bits.ReverseBytes64(n)))
	case 'F', 'I', 'L', 'S', 'V':
		return m.oldest(op)
	case '}':
		return m.made(&Dict{})
	case ']':
		return m.made(&List{})
	case ')':
		return m.made(&List{Kind: TupleOf})
	case 0x8f:
		return m.made(&List{Kind: SetOf})
	case 't', 'l', 0x91:
		items, err := m.popMark()
		if err != nil {
			return err
		}
		return m.sequence(map[byte]Sequence{'t': TupleOf, 'l': ListOf, 0x91: FrozenSetOf}[op], items)
	case 0x85, 0x86, 0x87:
		items, err := m.take(int(op - 0x84))
		if err != nil {
			return err
		}
		return m.sequence(TupleOf, items)
	case 'd':
		items, err := m.popMark()
		if err != nil {
			return err
		}
		d := &Dict{}
		if err := m.set(d, items); err != nil {
			return err
		}
		return m.made(d)
	case 'a', 's', 'e', 'u', 0x90:
		return m.fill(op)
	case 'p', 'q', 'r', 0x94:
		key, err := m.key(op)
		if err != nil {
			return err
		}
		return m.memoize(key)
	case 'g', 'h', 'j':
		key, err := m.key(op)
		if err != nil {
			return err
		}
		return m.get(key)
	case 'P', 'Q':
		return m.persistent(op)
	}
	return m.object(op)
}

// oldest reads a value of the oldest protocol, which stands in a line.
func (m *machine) oldest(op byte) error {
	line, err := m.line()
	if err != nil {
		return err
	}
	switch op {
	case 'F':
		f, err := strconv.ParseFloat(line, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return errors.New("no number")
		}
		return m.push(f)
	case 'I', 'L':
		if op == 'I' && (line == "01" || line == "00") {
			return m.push(line == "01")
		}
		n, err := decimal(line)
		if err != nil {
			return err
		}
		return m.made(n)
	case 'S':
		if len(line) < 2 || line[0] != line[len(line)-1] || line[0] != '"' && line[0] != '\'' {
			return errors.New("a string without quotes")
		}
		line = line[1 : len(line)-1]
	}
	return m.made(m.textOf(line, false))
}

// fill appends to sequences, and sets items of dicts.
func (m *machine) fill(op byte) error {
	var items []Value
	var err error
	switch op {
	case 'a':
		items, err = m.take(1)
	case 's':
		items, err = m.take(2)
	default:
		items, err = m.popMark()
	}
	if err != nil {
		return err
	}
	to, err := m.top()
	if err != nil {
		return err
	}
	if op == 's' || op == 'u' {
		return m.set(to, items)
	}
	return m.append(to, items)
}

// key reads the number of a memo entry.
func (m *machine) key(op byte) (uint64, error) {
	switch op {
	case 0x94:
		return uint64(len(m.memo)), nil
	case 'q', 'h':
		return m.number(1)
	case 'r', 'j':
		return m.number(4)
	}
	line, err := m.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(line, 10, 32)
}

// lines reads the two lines that name a global.
func (m *machine) lines() (module, name string, err error) {
	if module, err = m.line(); err == nil {
		name, err = m.line()
	}
	return module, name, err
}

func (m *machine) persistent(op byte) error {
	if op == 'P' {
		line, err := m.line()
		if err != nil {
			return err
		}
		return m.made(&Persistent{m.textOf(line, false)})
	}
	id, err := m.pop()
	if err != nil {
		return err
	}
	return m.made(&Persistent{id})
}

// object interprets what imports, calls and sets: as data.
func (m *machine) object(op byte) error {
	switch op {
	case 'c':
		module, name, err := m.lines()
		if err != nil {
			return err
		}
		return m.global(module, name)
	case 0x93:
		v, err := m.take(2)
		if err != nil {
			return err
		}
		in, ok := String(v[0])
		n, also := String(v[1])
		if !ok || !also {
			return errors.New("the name of a global is no text")
		}
		return m.global(in, n)
	case 0x82, 0x83, 0x84:
		n, err := m.number(map[byte]int{0x82: 1, 0x83: 2, 0x84: 4}[op])
		if err != nil {
			return err
		}
		return m.global("copyreg", "extension "+strconv.FormatUint(n, 10))
	case 'R', 0x81:
		v, err := m.take(2)
		if err != nil {
			return err
		}
		return m.call(&Object{Made: v[0], Args: v[1], New: op == 0x81})
	case 0x92:
		v, err := m.take(3)
		if err != nil {
			return err
		}
		return m.call(&Object{Made: v[0], Args: v[1], Keywords: v[2], New: true})
	case 'i', 'o':
		var made Value
		if op == 'i' {
			module, name, err := m.lines()
			if err != nil {
				return err
			}
			m.note(Imports, module+"."+name)
			made = &Global{module, name}
		}
		items, err := m.popMark()
		if err != nil {
			return err
		}
		if op == 'o' {
			if len(items) == 0 {
				return errStack
			}
			made, items = items[0], items[1:]
		}
		args := &List{Kind: TupleOf}
		if err := m.append(args, items); err != nil {
			return err
		}
		return m.call(&Object{Made: made, Args: args, New: true})
	case 'b':
		return m.build()
	case 0x97, 0x98:
		return errors.New("its buffers lie outside of the file")
	}
	return errUnknown
}

// build notes the state that would be set on an object.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	to, err := m.top()
	if err != nil {
		return err
	}
	o, ok := to.(*Object)
	if !ok {
		m.note(Sets, strings.TrimPrefix(typeName(to), "*pickle."))
		return nil
	}
	m.note(Sets, o.Class())
	o.State, o.Built = state, true
	return nil
}

func typeName(v Value) string {
	switch v := v.(type) {
	case *Global:
		return v.String()
	case *Dict:
		return "dict"
	case *List:
		return "list"
	}
	return "value"
}
