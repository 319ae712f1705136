// Package prove runs a training script under a shim that watches it, and answers with evidence whether the script repeats itself,
// resumes exactly, and always leaves a checkpoint that loads. It is the only package that runs the user's code, and does so only
// when `ckpt-lsp prove` is asked to.
package prove

import (
	"errors"
	"slices"
	"time"
)

// Question is something to be proven of a script.
type Question string

// The questions.
const (
	Repeat Question = "repeat" // do two runs do the same?
	Resume Question = "resume" // does a killed and resumed run do what an uninterrupted one does?
	Kill   Question = "kill"   // does a kill inside a checkpoint write always leave a checkpoint that loads?
)

// Questions are all questions, in the order in which they are asked.
var Questions = []Question{Repeat, Resume, Kill}

// Options say what to run and what to ask. Command and Dir are required.
type Options struct {
	// Command is the script with its arguments, with or without a Python interpreter in front: python train.py --epochs 3.
	Command []string
	// Dir is the working directory of the script. Unless InPlace is set, the runs work in copies of it.
	Dir     string
	InPlace bool
	// Link are directories below Dir that the copies link to instead of copying them: data that the script only reads.
	Link []string
	// AllowWrite are directories besides the copy that the runs may change: relative to Dir, or absolute.
	AllowWrite []string
	// Python replaces the interpreter of the command.
	Python string
	// Questions to ask; all of them where it is empty.
	Questions []Question
	// ResumeCommand resumes the script, where that is not Command. ResumeArgs are appended. In both, {checkpoint} is the path of the
	// newest checkpoint.
	ResumeCommand []string
	ResumeArgs    []string
	// Checkpoint counts the checkpoint write, from 1, behind which the run to be resumed is killed; 0 takes one near the middle.
	Checkpoint int
	// Steps ends each run after so many optimizer steps; 0 lets it come to its end.
	Steps int
	// Kills is how many times the run is killed inside checkpoint writes.
	Kills int
	// Ranks is how many processes run the script, as torchrun starts them; 0 is one process without a group.
	Ranks int
	// Seed chooses the moments of the kills.
	Seed uint64
	// Digest says how much of a tensor is compared; all of it where it is empty.
	Digest Digest
	// Keep is a directory, not there yet or empty, that the evidence is left in; "" removes it.
	Keep string
	// Timeout is the most time that one run may take; 0 is no limit.
	Timeout time.Duration
	// Zygote starts the runs of a script, where there is one; else they are programs of their own.
	Zygote *Zygote
	// Progress is told what is going on; it may be nil.
	Progress func(Status)
}

// Digest is how much of a large tensor is compared.
type Digest string

// The digests.
const (
	Whole   Digest = "whole"
	Sampled Digest = "sampled" // some thousand numbers, and the sum of all bits: what cancels in it is not seen
)

// Status is what is going on.
type Status struct {
	// Doing says it in words: "run 1 of 2". Step and Checkpoints count what the run has done.
	Doing             string
	Step, Checkpoints int
}

// Errors that end a proof before there is an answer. They are wrapped with what was found and what to do.
var (
	ErrNoTorch      = errors.New("torch could not be imported")
	ErrScriptFailed = errors.New("the script failed by itself")
	ErrNotWatched   = errors.New("the run could not be watched")
	ErrNoStep       = errors.New("no optimizer step was taken")
	ErrNoCheckpoint = errors.New("no checkpoint was written")
	ErrNothingRead  = errors.New("the resumed run loaded no checkpoint")
)

func (o *Options) asks(q Question) bool {
	return len(o.Questions) == 0 || slices.Contains(o.Questions, q)
}
