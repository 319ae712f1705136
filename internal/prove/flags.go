package prove

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/pflag"
)

// AddFlags defines the flags of `ckpt-lsp prove` that fill the options.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.Var((*questionsFlag)(&o.Questions), "only", "questions to ask: repeat, resume, kill (default: all)")
	flags.Var((*wordsFlag)(&o.ResumeArgs), "resume-args", "arguments appended to the command when it resumes")
	flags.Var((*wordsFlag)(&o.ResumeCommand), "resume-command", "the command that resumes, where it is another one")
	flags.Var((*countFlag)(&o.Checkpoint), "checkpoint", "kill after this checkpoint, counted from 1 (default: one near the middle)")
	flags.Var((*countFlag)(&o.Steps), "steps", "end each run after so many optimizer steps")
	o.Kills = defaultKills
	flags.Var((*countFlag)(&o.Kills), "kills", "kills inside checkpoint writes")
	flags.Var((*countFlag)(&o.Ranks), "ranks", "start so many processes, as torchrun does on one machine")
	flags.Uint64Var(&o.Seed, "seed", 0, "choose the moments of the kills")
	flags.StringVar(&o.Python, "python", "", "the Python interpreter, in place of the command's")
	flags.StringSliceVar(&o.Link, "link", nil, "directories that the copies link to: data that is only read")
	flags.StringSliceVar(&o.AllowWrite, "allow-write", nil, "directories besides the copy that the script may change")
	flags.BoolVar(&o.InPlace, "in-place", false, "run in the working directory itself; checkpoints in it are overwritten")
	o.Digest = Whole
	flags.Var(&o.Digest, "digest", "how much of large tensors is compared: sampled, whole")
	flags.StringVar(&o.Keep, "keep", "", "leave the evidence in this new directory")
	flags.DurationVar(&o.Timeout, "timeout", 0, "the most time that one run may take, such as 10m (default: no limit)")
}

// defaultKills is how often a run is killed where nothing else is said.
const defaultKills = 10

// wordsFlag is a command line in a flag, split as a shell does.
type wordsFlag []string

func (w *wordsFlag) Set(text string) (err error) {
	*w, err = shellwords.Parse(text)
	return err
}
func (w *wordsFlag) String() string { return strings.Join(*w, " ") }
func (*wordsFlag) Type() string     { return "words" }

// Set reads the flag's value.
func (d *Digest) Set(text string) error {
	if text != string(Whole) && text != string(Sampled) {
		return errors.New("expected sampled or whole")
	}
	*d = Digest(text)
	return nil
}

func (d *Digest) String() string { return string(*d) }

// Type is the value's name in the help.
func (*Digest) Type() string { return "how" }

// countFlag is a number that is not negative.
type countFlag int

func (c *countFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("expected a number that is not negative")
	}
	*c = countFlag(n)
	return nil
}

func (c *countFlag) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}
func (*countFlag) Type() string { return "N" }

// questionsFlag is a list of questions.
type questionsFlag []Question

func (q *questionsFlag) Set(text string) error {
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(Questions, Question(name)) {
			return fmt.Errorf("expected repeat, resume or kill")
		}
		*q = append(*q, Question(name))
	}
	return nil
}

func (q *questionsFlag) String() string {
	var names []string
	for _, x := range *q {
		names = append(names, string(x))
	}
	return strings.Join(names, ",")
}
func (*questionsFlag) Type() string { return "questions" }
