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
	Step      int      `json:"step"`
	Optimizer int      `json:"optimizer"`
	Epoch     int      `json:"epoch"`
	LR        []string `json:"lr"`
	Options   string   `json:"options"`
	Indices   string   `json:"indices"`
	Batch     string   `json:"batch"`
	Inputs    string   `json:"inputs"`
	Loss      string   `json:"loss"`
	Scale     string   `json:"scale"`
	Groups    []string `json:"groups"`
	State     string   `json:"state"`
	Buffers   string   `json:"buffers"`
	// Parameters are pairs of name and digest, before the step.
	Parameters [][2]string       `json:"parameters"`
	Generators map[string]string `json:"generators"`

	Op      int               `json:"op"`
	What    string            `json:"what"`
	Path    string            `json:"path"`
	Target  string            `json:"target"`
	At      string            `json:"at"`
	Size    int64             `json:"size"`
	Content string            `json:"content"`
	Keys    map[string]string `json:"keys"`
	Trained []trained         `json:"trained"`

	Generator string `json:"generator"`
	Value     string `json:"value"`
	Version   string `json:"version"`
	Error     string `json:"error"`
	Steps     int    `json:"steps"`
	Stopped   bool   `json:"stopped"`
}

// trained is what one optimizer trains, at a save.
type trained struct {
	Parameters [][2]string `json:"parameters"`
	State      string      `json:"state"`
}

// runLog is what one process of a run did.
type runLog struct {
	rank   int
	events []event
	steps  []event
	firsts map[int]event // by optimizer
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
	l := &runLog{rank: rank, firsts: map[int]event{}}
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
	case "first":
		l.firsts[e.Optimizer] = e
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
