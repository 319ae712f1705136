package prove

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what was proven of a script, and what was not.
type Report struct {
	Command []string `json:"command"`
	// Torch is the version of PyTorch that ran.
	Torch string `json:"torch"`
	// Ranks is how many processes trained as a group, 0 where one did without a group.
	Ranks int `json:"ranks"`
	// The answers, nil of what was not asked or could not be answered.
	Repeat *RepeatAnswer `json:"repeat,omitempty"`
	Resume *ResumeAnswer `json:"resume,omitempty"`
	Kill   *KillAnswer   `json:"kill,omitempty"`
	// Runs is how many runs of the script that took, and Seconds how long.
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	// Digest says how much of a tensor was compared, Overhead what watching took; nil where too few steps tell.
	Digest   Digest    `json:"digest"`
	Overhead *Overhead `json:"overhead,omitempty"`
	// Failed says why a question could not be answered.
	Failed map[Question]string `json:"failed,omitempty"`
	// Files are the script's files that save, load or seed, below the working directory.
	Files []string `json:"-"`
	// Rates and losses of the uninterrupted and the resumed run, for a picture.
	Curves []Curve `json:"curves"`
}

// Proven reports whether every question that was asked was answered well.
func (r *Report) Proven() bool {
	return len(r.Failed) == 0 && (r.Repeat == nil || r.Repeat.Proven) && (r.Resume == nil || r.Resume.Proven) && (r.Kill == nil || r.Kill.Proven)
}

// Refuted reports whether a question was answered, and not well.
func (r *Report) Refuted() bool {
	return r.Repeat != nil && !r.Repeat.Proven || r.Resume != nil && !r.Resume.Proven && r.Resume.Unknown == "" || r.Kill != nil && !r.Kill.Proven
}

// Rules are the names of the rules that tell of what was found, those likelier first.
func (r *Report) Rules() []string {
	var out []string
	add := func(rules []string) {
		for _, x := range rules {
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	if r.Repeat != nil {
		for _, d := range r.Repeat.Differences {
			add(d.Rules)
		}
	}
	if r.Resume != nil {
		for _, d := range r.Resume.Differences {
			add(d.Rules)
		}
	}
	if r.Kill != nil {
		add(r.Kill.Rules)
	}
	return out
}

// Run runs the script as often as the questions need and answers them. An error says why nothing could be answered at all; where one
// question cannot be answered and others can, Report.Failed says so. What is known when the context ends is reported beside the error.
func Run(ctx context.Context, o Options) (*Report, error) {
	started := time.Now()
	s, err := newSession(o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if s.options.Kills == 0 {
		s.options.Kills = defaultKills
	}
	s.planned = 1
	if o.asks(Repeat) {
		s.planned++
	}
	if o.asks(Resume) {
		s.planned += 2
	}
	full, err := s.whole(ctx, "uninterrupted", s.doing("the uninterrupted run"))
	if err != nil {
		return nil, err
	}
	r := &Report{
		Command: s.options.Command, Ranks: s.options.Ranks, Failed: map[Question]string{}, Curves: []Curve{curve("uninterrupted", full.main(), 0)},
		Digest: cmp.Or(s.options.Digest, Whole), Overhead: overhead(full.main()),
	}
	r.read(full.main())
	s.torch = r.Torch
	s.ranOn(full)
	if len(full.logs) > 1 {
		r.Ranks = len(full.logs) // which a launcher has started
	}
	for _, q := range Questions {
		if !o.asks(q) {
			continue
		}
		err := context.Cause(ctx)
		if err == nil {
			err = s.answer(ctx, q, full, r)
		}
		if err != nil {
			r.Failed[q] = err.Error()
		}
	}
	r.Runs, r.Seconds = s.runs, time.Since(started).Seconds()
	return r, context.Cause(ctx)
}

// Unanswered is the report of a proof that has answered nothing, and says why.
func Unanswered(o Options, err error) *Report {
	r := &Report{Command: o.Command, Ranks: o.Ranks, Digest: cmp.Or(o.Digest, Whole), Failed: map[Question]string{}}
	for _, q := range Questions {
		if o.asks(q) {
			r.Failed[q] = err.Error()
		}
	}
	return r
}

// read takes the version of PyTorch, and the places of the script, from a log.
func (r *Report) read(l *runLog) {
	for _, e := range l.events {
		if e.Kind == "torch" {
			r.Torch = e.Version
		}
		if file, _, ok := strings.Cut(e.At, ":"); ok && !slices.Contains(r.Files, file) {
			r.Files = append(r.Files, file)
		}
	}
}

func (s *session) answer(ctx context.Context, q Question, full *run, r *Report) error {
	switch q {
	case Repeat:
		again, err := s.whole(ctx, "repeated", s.doing("the same run again"))
		if err != nil {
			return err
		}
		r.Repeat = compareRepeated(full, again)
	case Resume:
		answer, resumed, err := s.resume(ctx, full)
		if err != nil {
			return err
		}
		r.Resume = answer
		if resumed != nil {
			r.Curves = append(r.Curves, curve("resumed", resumed.main(), answer.Step))
			r.read(resumed.main())
		}
	case Kill:
		from := ""
		if r.Resume != nil {
			from = r.Resume.Loaded
		}
		answer, err := s.kills(ctx, full, from)
		if err != nil {
			return err
		}
		r.Kill = answer
	}
	return nil
}

// doing says which run is under way.
func (s *session) doing(what string) string {
	return fmt.Sprintf("%s (%d of %d)", what, s.runs+1, s.planned)
}
