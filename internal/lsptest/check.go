package lsptest

import "strings"

// CheckLog checks all sessions in a log of the recording proxy. Mistakes that are known of an editor (see mistakes.go) are
// left out. The error says that the log cannot be read.
func CheckLog(path string) ([]Session, error) {
	recorded, err := ReadLog(path)
	if err != nil {
		return nil, err
	}
	if _, err := meta(); err != nil {
		return nil, err
	}
	sessions := make([]Session, len(recorded))
	for i, records := range recorded {
		s := checkSession(records)
		var left []Problem
		for _, p := range s.Problems {
			if p.From != Client || !tolerated(s.Client, p.Text) {
				left = append(left, p)
			}
		}
		s.Problems = left
		sessions[i] = s
	}
	return sessions, nil
}

// tolerated says whether a mistake is known of a client.
func tolerated(client, text string) bool {
	for _, m := range mistakes {
		if strings.HasPrefix(client, m.client) && strings.HasPrefix(text, m.text) {
			return true
		}
	}
	return false
}
