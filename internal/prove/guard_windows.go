package prove

import (
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// run is not needed: a job object ends what is started.
func (o order) run() int { return notStarted }

// Unheld says what is not kept from changing files outside of the copy on this system.
func Unheld() string {
	return "on Windows Python code is kept from changing files outside of the copy, native code and other programs are not: only Linux can"
}

// jobbed makes this process part of a job object, with all that it will start: when it ends, however it ends, the system ends the others.
var jobbed = sync.OnceValue(func() error {
	job, err := newJob()
	if err != nil {
		return err
	}
	return windows.AssignProcessToJobObject(job, windows.CurrentProcess())
})

// newJob is a job object whose processes end with its last handle.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		windows.CloseHandle(job)
	}
	return job, err
}

// program is a child with a job of its own, in which all that it starts is.
type program struct {
	*exec.Cmd
	job windows.Handle
}

// newProgram is a program; start starts it.
func newProgram(o order) (*program, error) {
	if guard == "" {
		return nil, errNotGuarding
	}
	if err := jobbed(); err != nil {
		return nil, err
	}
	job, err := newJob()
	return &program{exec.Command(o.Command[0], o.Command[1:]...), job}, err
}

func (p *program) start() error {
	if err := p.Start(); err != nil {
		windows.CloseHandle(p.job)
		return err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Process.Pid))
	if err == nil {
		err = windows.AssignProcessToJobObject(p.job, process)
		windows.CloseHandle(process)
	}
	if err != nil {
		_ = p.Process.Kill()
	}
	return err
}

func (p *program) wait() error { return p.Wait() }

// signal ends the job; there are no other signals to pass on.
func (p *program) signal(syscall.Signal) { _ = windows.TerminateJobObject(p.job, 1) }
