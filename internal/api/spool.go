package api

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

// A spool holds so much in memory, and so much more in a temporary file.
const (
	spoolMemory = 1 << 20
	spoolFile   = 1 << 30
)

// chunkPatience is how long a client may take for a chunk of an answer.
const chunkPatience = 2 * time.Minute

// spool takes an answer at the speed of the store and sends it at that of the client,
// so that no transaction waits for a slow one. What the client has not taken yet waits
// in memory, then in a file, and only then does the store wait.
type spool struct {
	mu      sync.Mutex
	change  sync.Cond
	chunks  [][]byte // before what is in the file
	held    int      // bytes of the chunks
	file    *os.File // nil: not needed yet
	put     int64    // where in the file what comes goes
	taken   int64    // of the file
	over    bool     // nothing comes any more
	stopped bool     // nobody takes any more
}

func newSpool() *spool {
	s := &spool{}
	s.change.L = &s.mu
	return s
}

var errStopped = errors.New("the client is gone")

// Write takes a copy of b.
func (s *spool) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.change.Broadcast()
	for !s.stopped && s.put-s.taken > spoolFile {
		s.change.Wait()
	}
	if s.stopped {
		return 0, errStopped
	}
	if s.put == 0 && s.held+len(b) <= spoolMemory {
		s.chunks, s.held = append(s.chunks, append([]byte(nil), b...)), s.held+len(b)
		return len(b), nil
	}
	if s.file == nil {
		var err error
		if s.file, err = os.CreateTemp("", "onemap-answer-"); err != nil {
			return 0, err
		}
	}
	n, err := s.file.WriteAt(b, s.put)
	s.put += int64(n)
	return n, err
}

// next returns what comes next and whether more is there already; nil at the end.
func (s *spool) next() (b []byte, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.change.Broadcast()
	for !s.over && !s.stopped && len(s.chunks) == 0 && s.taken == s.put {
		s.change.Wait()
	}
	switch {
	case s.stopped:
		return nil, false, nil
	case len(s.chunks) > 0:
		b, s.chunks = s.chunks[0], s.chunks[1:]
		s.held -= len(b)
	case s.taken < s.put:
		b = make([]byte, min(64<<10, s.put-s.taken))
		if _, err := s.file.ReadAt(b, s.taken); err != nil {
			return nil, false, err
		}
		if s.taken += int64(len(b)); s.taken == s.put { // from here on memory does
			s.taken, s.put = 0, 0
			if err := s.file.Truncate(0); err != nil {
				return nil, false, err
			}
		}
	}
	return b, s.over || len(s.chunks) > 0 || s.taken < s.put, nil
}

// end says that nothing more comes.
func (s *spool) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.change.Broadcast()
}

// stop throws away what was not taken.
func (s *spool) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.change.Broadcast()
}

// free is called when nobody writes or sends any more.
func (s *spool) free() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// send writes everything to the client, until the end or a stop. What has come is
// flushed before it waits for more.
func (s *spool) send(w http.ResponseWriter) error {
	rc := http.NewResponseController(w)
	for {
		b, more, err := s.next()
		if err != nil || b == nil {
			return err
		}
		if err := rc.SetWriteDeadline(time.Now().Add(chunkPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		if more {
			continue
		}
		if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
}
