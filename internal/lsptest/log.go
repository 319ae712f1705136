package lsptest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Record is one line of the recording proxy's log. Of the last six fields one is set.
type Record struct {
	// Session is the number of the proxy's process; a restarted server is another session in the same log.
	Session int
	Time    time.Time
	// From is the side that Message, Broken or Closed comes from.
	From Side `json:",omitempty"`

	// Message is the body of a frame.
	Message json.RawMessage `json:",omitempty"`
	// Broken holds bytes that are no frame, or a frame whose body is not JSON, and Why says so.
	Broken []byte `json:",omitempty"`
	Why    string `json:",omitempty"`
	// Server is the process number of the server, written when it has been started.
	Server int `json:",omitempty"`
	// Closed says that a side has closed its end.
	Closed bool `json:",omitempty"`
	// Exit is how the server ended.
	Exit *Exit `json:",omitempty"`
}

// Exit is the end of a process: its exit code, or the name of the signal that ended it and a code of -1.
type Exit struct {
	Code   int
	Signal string `json:",omitempty"`
}

// ReadLog gives the records of each session in a log, sessions in the order in which they began. A log that is still being
// written may end in half a line, which is left out.
func ReadLog(path string) ([][]Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var sessions [][]Record
	place := map[int]int{}
	in := bufio.NewReader(file)
	for line := 1; ; line++ {
		text, err := in.ReadBytes('\n')
		if err == io.EOF {
			return sessions, nil
		}
		if err != nil {
			return nil, err
		}
		var r Record
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		i, known := place[r.Session]
		if !known {
			i = len(sessions)
			place[r.Session] = i
			sessions = append(sessions, nil)
		}
		sessions[i] = append(sessions[i], r)
	}
}
