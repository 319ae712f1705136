package pickle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Pickle is what was read of one pickle.
type Pickle struct {
	Root     Value
	Protocol int
	// Actions are what it does, each once, in the order of their first places; at most maxActions.
	Actions []Action
	// Size is its length in bytes.
	Size int64
}

// maxActions is how many different globals and calls are told of.
const maxActions = 10_000

// Reasons of errors.
var (
	ErrLimit   = errors.New("it holds more than is read")
	errStack   = errors.New("the stack is empty")
	errMark    = errors.New("there is no mark")
	errMemo    = errors.New("nothing was stored under this number")
	errUnknown = errors.New("no such opcode")
	errLength  = errors.New("a negative length")
)

// Source is a stream with pickles in it, one after another.
type Source struct {
	r   *bufio.Reader
	pos int64
}

// NewSource reads from r.
func NewSource(r io.Reader) *Source { return &Source{r: bufio.NewReaderSize(r, 64<<10)} }

// Offset is how many bytes were read.
func (s *Source) Offset() int64 { return s.pos }

// Skip passes over bytes, and gives how many there were.
func (s *Source) Skip(n int64) (int64, error) {
	done, err := io.CopyN(io.Discard, s.r, n)
	s.pos += done
	return done, err
}

// Read gives what follows, as an io.Reader does.
func (s *Source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.pos += int64(n)
	return n, err
}

// Next reads the next pickle. What could be read stands in the pickle with an error, too.
func (s *Source) Next(l Limits) (*Pickle, error) {
	m := machine{Source: s, start: s.pos, left: l, limits: l, memo: map[uint32]Value{}, seen: map[Action]bool{}}
	err := m.run()
	m.out.Size = s.pos - m.start
	return &m.out, err
}

// Read reads one pickle.
func Read(r io.Reader, l Limits) (*Pickle, error) { return NewSource(r).Next(l) }

// machine interprets one pickle.
type machine struct {
	*Source
	start  int64
	limits Limits
	left   Limits
	stack  []Value
	marks  []int
	memo   map[uint32]Value
	seen   map[Action]bool
	out    Pickle
	at     int64 // of the opcode
	buf    [8]byte
}

func (m *machine) run() error {
	for {
		m.at = m.pos - m.start
		op, err := m.r.ReadByte()
		if err != nil {
			if err == io.EOF && m.at > 0 {
				err = io.ErrUnexpectedEOF
			}
			return &Error{Offset: m.at, Err: err}
		}
		m.pos++
		if m.left.Ops--; m.left.Ops < 0 {
			return &Error{m.at, names[op], ErrLimit}
		}
		if op == opStop {
			m.out.Root, err = m.pop()
			if err != nil {
				return &Error{m.at, names[op], err}
			}
			return nil
		}
		if err := m.do(op); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return &Error{m.at, names[op], err}
		}
	}
}

// cells takes room for what is kept.
func (m *machine) cells(n int) error {
	if m.left.Cells -= n; m.left.Cells < 0 {
		return ErrLimit
	}
	return nil
}

func (m *machine) push(v Value) error {
	if len(m.stack) >= m.limits.Stack {
		return ErrLimit
	}
	m.stack = append(m.stack, v)
	return nil
}

// made pushes something that is kept.
func (m *machine) made(v Value) error {
	if err := m.cells(1); err != nil {
		return err
	}
	return m.push(v)
}

// floor is the lowest place of the stack above the last mark.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (Value, error) {
	v, err := m.take(1)
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// take are the topmost values, the deepest first. They hold until the next push.
func (m *machine) take(n int) ([]Value, error) {
	if len(m.stack)-m.floor() < n {
		return nil, errStack
	}
	v := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return v, nil
}

func (m *machine) top() (Value, error) {
	if len(m.stack) <= m.floor() {
		return nil, errStack
	}
	return m.stack[len(m.stack)-1], nil
}

// popMark gives what lies above the last mark. It is the stack's: who keeps it copies it.
func (m *machine) popMark() ([]Value, error) {
	if len(m.marks) == 0 {
		return nil, errMark
	}
	from := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	items := m.stack[from:]
	m.stack = m.stack[:from]
	return items, nil
}

// note tells of something that the pickle does.
func (m *machine) note(does Does, name string) {
	a := Action{Does: does, Name: name}
	if m.seen[a] || len(m.seen) >= maxActions {
		return
	}
	m.seen[a] = true
	a.Offset = m.at
	m.out.Actions = append(m.out.Actions, a)
}

// number reads an unsigned number of so many bytes.
func (m *machine) number(size int) (uint64, error) {
	b := m.buf[:size]
	n, err := io.ReadFull(m.r, b)
	m.pos += int64(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// text reads so many bytes and keeps as many as are kept. No more is allocated than there is.
func (m *machine) text(n uint64, bytes bool) (*Text, error) {
	if n > math.MaxInt64 {
		return nil, errLength
	}
	t := &Text{Bytes: bytes, Len: int64(n), Offset: m.pos}
	keep := min(t.Len, int64(m.limits.Keep))
	sum := crc32.NewIEEE()
	var b strings.Builder
	if keep <= 4096 {
		b.Grow(int(keep))
	}
	done, err := io.CopyN(io.MultiWriter(&b, sum), m.r, keep)
	m.pos += done
	if err == nil && keep < t.Len {
		done, err = io.CopyN(sum, m.r, t.Len-keep)
		m.pos += done
	}
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	t.Kept, t.Sum = b.String(), sum.Sum32()
	if m.left.Text -= len(t.Kept); m.left.Text < 0 {
		return nil, ErrLimit
	}
	return t, m.cells(1)
}

// maxLine bounds the lines of the oldest protocol.
const maxLine = 1 << 20

// line reads to the end of a line, without it.
func (m *machine) line() (string, error) {
	var out []byte
	for {
		part, err := m.r.ReadSlice('\n')
		m.pos += int64(len(part))
		out = append(out, part...)
		switch {
		case err == nil:
			line := strings.TrimSuffix(string(out), "\n")
			if m.left.Text -= len(line); m.left.Text < 0 {
				return "", ErrLimit
			}
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", io.ErrUnexpectedEOF
		case len(out) > maxLine:
			return "", ErrLimit
		}
	}
}

// textOf is a text that stood in a line.
func (m *machine) textOf(s string, bytes bool) *Text {
	return &Text{Kept: s, Bytes: bytes, Len: int64(len(s)), Sum: crc32.ChecksumIEEE([]byte(s)), Offset: m.pos - int64(len(s)) - 1}
}

// integer is a number in two's complement, least byte first.
func integer(b []byte) Value {
	if len(b) <= 8 {
		var full [8]byte
		copy(full[:], b)
		if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
			for i := len(b); i < 8; i++ {
				full[i] = 0xff
			}
		}
		return int64(binary.LittleEndian.Uint64(full[:]))
	}
	reversed := make([]byte, len(b))
	for i, x := range b {
		reversed[len(b)-1-i] = x
	}
	n := new(big.Int).SetBytes(reversed)
	if b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// maxInteger is how many bytes an integer may have.
const maxInteger = 1 << 10

func (m *machine) integer(n uint64) error {
	t, err := m.text(n, true)
	if err != nil {
		return err
	}
	if n > maxInteger {
		return m.push(t) // no number that anybody reads
	}
	return m.push(integer([]byte(t.Kept)))
}

// decimal is a number in a line.
func decimal(s string) (Value, error) {
	s = strings.TrimSuffix(s, "L")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if len(s) > maxInteger {
		return nil, ErrLimit
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%.20q is no number", s)
	}
	return n, nil
}

// append puts items behind those of a sequence.
func (m *machine) append(to Value, items []Value) error {
	switch to := to.(type) {
	case *List:
		to.Len += int64(len(items))
		items = items[:max(0, min(len(items), m.limits.Items-len(to.Items)))]
		to.Items = append(to.Items, items...)
		return m.cells(len(items))
	case *Object:
		m.note(Appends, to.Class())
		items = items[:max(0, min(len(items), m.limits.Items-len(to.Items)))]
		to.Items = append(to.Items, items...)
		return m.cells(len(items))
	}
	return fmt.Errorf("items are appended to what is no sequence")
}

// set puts keys and values into a dict.
func (m *machine) set(in Value, pairs []Value) error {
	if len(pairs)%2 != 0 {
		return errors.New("a key without a value")
	}
	var entries *[]Entry
	switch in := in.(type) {
	case *Dict:
		entries = &in.Entries
	case *Object:
		m.note(Stores, in.Class())
		entries = &in.Entries
	default:
		return errors.New("items are set in what is no dict")
	}
	for i := 0; i < len(pairs); i += 2 {
		*entries = append(*entries, Entry{pairs[i], pairs[i+1]})
	}
	return m.cells(len(pairs))
}

// sequence makes one of items that it may not keep.
func (m *machine) sequence(kind Sequence, items []Value) error {
	l := &List{Kind: kind}
	if err := m.append(l, items); err != nil {
		return err
	}
	return m.made(l)
}

// memoize stores the top of the stack.
func (m *machine) memoize(key uint64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if key > math.MaxUint32 {
		return ErrLimit
	}
	if _, again := m.memo[uint32(key)]; !again {
		if err := m.cells(1); err != nil {
			return err
		}
	}
	m.memo[uint32(key)] = v
	return nil
}

func (m *machine) get(key uint64) error {
	v, ok := m.memo[uint32(key)]
	if !ok || key > math.MaxUint32 {
		return errMemo
	}
	return m.push(v)
}

// global pushes what would be imported, by the name that Python 3 has for it.
func (m *machine) global(module, name string) error {
	g := &Global{module, name}
	if to, ok := renamedModules[module]; ok && m.out.Protocol < 3 {
		g.Module = to
	}
	m.note(Imports, g.String())
	return m.made(g)
}

// renamedModules are those of Python 2 that checkpoints name, which protocol 2 writes for Python 3's, too.
var renamedModules = map[string]string{"__builtin__": "builtins", "copy_reg": "copyreg", "cPickle": "pickle", "Queue": "queue", "StringIO": "io", "cStringIO": "io", "commands": "subprocess", "UserDict": "collections"}

// call pushes what a call would make.
func (m *machine) call(o *Object) error {
	name := o.Class()
	if o.New {
		m.note(News, name)
	} else {
		m.note(Calls, name)
	}
	return m.made(o)
}
