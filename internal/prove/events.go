package prove

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// event is a line that the shim writes; ckpt_prove_watch.py says when. The fields are those of all kinds.
type event struct {
	Kind string `json:"kind"`
	// Step is the number of optimizer steps taken before the event.
	Step      int    `json:"step"`
	Optimizer int    `json:"optimizer"`
	Type      string `json:"type"`
	// Mark counts the saves and loads before the event.
	Mark  int `json:"mark"`
	Epoch int `json:"epoch"`
	// Schedule is how many steps the schedulers have taken.
	Schedule int      `json:"schedule"`
	LR       []string `json:"lr"`
	// Rates, Options, Weights and State are digests of values by parameter, in no order.
	Rates   string `json:"rates"`
	Options string `json:"options"`
	Weights string `json:"weights"`
	State   string `json:"state"`
	// Indices, Batches and Inputs are what a step used since the one before, and Backwards the marks of its backward passes; of a save,
	// those whose gradients no step has taken yet.
	Indices   []used `json:"indices"`
	Batches   []used `json:"batches"`
	Inputs    []used `json:"inputs"`
	Backwards []int  `json:"backwards"`
	Loss      string `json:"loss"`
	Scale     string `json:"scale"`
	Buffers   string `json:"buffers"`
	// Parameters are those of an optimizer before its step.
	Parameters []parameter `json:"parameters"`
	// Held says, by the number of the save, under which keys the checkpoints before the step hold an optimizer's weights and state.
	Held       map[int]heldKeys  `json:"held"`
	Generators map[string]string `json:"generators"`

	Op      int               `json:"op"`
	What    string            `json:"what"`
	Path    string            `json:"path"`
	Target  string            `json:"target"`
	At      string            `json:"at"`
	Size    int64             `json:"size"`
	Content string            `json:"content"`
	Keys    map[string]string `json:"keys"`
	// Holds says under which key a checkpoint holds a scheduler and generators; States are the states of the generators, as the value of
	// a restore tells of them.
	Holds  map[string]string   `json:"holds"`
	States map[string][]string `json:"states"`

	Generator string `json:"generator"`
	Value     string `json:"value"`
	Version   string `json:"version"`
	// Executable is the interpreter that imported torch.
	Executable string `json:"executable"`
	Error      string `json:"error"`
	Steps      int    `json:"steps"`
	Stopped    bool   `json:"stopped"`

	// Clock is the time since the process began, Own what of it watching took by then, in seconds.
	Clock float64 `json:"clock"`
	Own   float64 `json:"own"`
}

// used is the digest of something that a step used, and the mark at which it did.
type used struct {
	mark   int
	digest string
}

func (u *used) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&u.mark, &u.digest})
}

// digests are those of what was used.
func digests(us []used) string {
	var out []string
	for _, u := range us {
		out = append(out, u.digest)
	}
	return strings.Join(out, " ")
}

// heldKeys are the keys under which a checkpoint holds the weights and the state of an optimizer: the key, and the type of numbers that
// they are rounded to. None where it does not hold them, no key where there is nothing to hold.
type heldKeys struct {
	Weights *[]string `json:"weights"`
	State   *[]string `json:"state"`
}

// parameter is one that an optimizer trains, with the digests of its value and of what the optimizer keeps for it.
type parameter struct{ name, value, state string }

func (p *parameter) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.name, &p.value, &p.state})
}

// runLog is what one process of a run did.
type runLog struct {
	rank   int
	events []event
	steps  []event
	begins []event // the states of optimizers before their first step, and before the first one after each save and load
	saves  []event
	loads  []event // whether they went well or not
	files  []event
	ended  *event
}

// readRun reads the logs of a run, by rank. A process that took no step is left out where another one of its rank did.
func readRun(dir string) ([]*runLog, error) {
	names, err := filepath.Glob(filepath.Join(dir, "events-*.jsonl"))
	if err != nil {
		return nil, err
	}
	byRank := map[int]*runLog{}
	for _, name := range names {
		var rank, pid int
		if _, err := fmt.Sscanf(filepath.Base(name), "events-%d-%d.jsonl", &rank, &pid); err != nil {
			return nil, fmt.Errorf("%s: expected a name like events-RANK-PID.jsonl: %w", name, err)
		}
		l, err := readLog(name, rank)
		if err != nil {
			return nil, err
		}
		if before := byRank[rank]; before == nil || len(before.steps) < len(l.steps) {
			byRank[rank] = l
		}
	}
	var out []*runLog
	for _, l := range byRank {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *runLog) int { return a.rank - b.rank })
	return out, nil
}

func readLog(name string, rank int) (*runLog, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &runLog{rank: rank}
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return l, nil // a last line without its end was cut by a kill
		}
		if err != nil {
			return nil, err
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		l.add(e)
	}
}

func (l *runLog) add(e event) {
	l.events = append(l.events, e)
	switch e.Kind {
	case "step":
		l.steps = append(l.steps, e)
	case "begin":
		l.begins = append(l.begins, e)
	case "saved":
		l.saves = append(l.saves, e)
	case "load", "refused":
		l.loads = append(l.loads, e)
	case "file":
		l.files = append(l.files, e)
	case "end":
		l.ended = &e
	}
}

// checkpoints are the saves of a run that has taken a step by then.
func (l *runLog) checkpoints() []event {
	return slices.DeleteFunc(slices.Clone(l.saves), func(e event) bool { return e.Step == 0 })
}

// total is the number of steps of a run that came to its end, -1 of one that was stopped or killed.
func (l *runLog) total() int {
	if l.ended == nil || l.ended.Stopped {
		return -1
	}
	return len(l.steps)
}

// rate is the learning rate of the first parameter group, as people read it.
func (e event) rate() string {
	if len(e.LR) == 0 {
		return "unknown"
	}
	var out []string
	for _, text := range slices.Compact(slices.Clone(e.LR)) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return text
		}
		out = append(out, strconv.FormatFloat(v, 'g', 6, 64))
	}
	return strings.Join(out, ", ")
}
