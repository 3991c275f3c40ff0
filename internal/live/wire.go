package live

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// wire is how a session reaches its client: a WebSocket, or a stream of events.
// send, ping and bye are the writer's alone; cut and hurry anybody's.
type wire interface {
	// send writes one frame. Whoever has it may resume from the cursor, if there is one.
	send(frame []byte, cursor string, patience time.Duration) error
	ping(patience time.Duration) error
	// bye says why the session ends, and waits a moment for the client to have read it.
	bye(code int, text string, readDone <-chan struct{}) error
	// end closes the connection in a way that the last frame still arrives.
	end(readDone, quit <-chan struct{})
	// hurry gives a write that is stuck no more than a moment.
	hurry()
	// cut closes the connection at once.
	cut()
}

// socket is the wire of a WebSocket.
type socket struct {
	*websocket.Conn
}

func newSocket(conn *websocket.Conn) socket {
	if c, ok := tcp(conn).(interface{ SetWriteBuffer(int) error }); ok {
		_ = c.SetWriteBuffer(writeBuffer)
	}
	return socket{conn}
}

func (s socket) send(frame []byte, _ string, patience time.Duration) error {
	_ = s.SetWriteDeadline(time.Now().Add(patience))
	return s.WriteMessage(websocket.TextMessage, frame)
}

func (s socket) ping(patience time.Duration) error {
	return s.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience))
}

func (s socket) bye(code int, text string, readDone <-chan struct{}) error {
	err := s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(goodbye))
	select { // the other side answers with its own close
	case <-readDone:
	case <-time.After(goodbye):
	}
	return err
}

// end reads what the other side sent meanwhile, or the kernel would answer it with a
// reset that throws the last frame away.
func (s socket) end(readDone, quit <-chan struct{}) {
	defer s.Close()
	select {
	case <-readDone:
	case <-quit:
	default:
		return // the connection is broken
	}
	if c, ok := tcp(s.Conn).(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		_ = s.SetReadDeadline(time.Now().Add(goodbye))
		select {
		case <-readDone:
			_, _ = io.CopyN(io.Discard, s.NetConn(), 1<<20)
		case <-time.After(goodbye):
		}
	}
}

func (s socket) hurry() { _ = s.NetConn().SetWriteDeadline(time.Now().Add(goodbye)) }

func (s socket) cut() { s.Close() }

// tcp returns the connection below TLS.
func tcp(conn *websocket.Conn) net.Conn {
	c := conn.NetConn()
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return c
}

// tooSlow reports whether a write failed because the client takes nothing.
func tooSlow(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
