package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"unicode/utf8"
)

const (
	recordSeparator = 0x1e     // before each line of a GeoJSON text sequence (RFC 8142)
	maxLine         = 64 << 20 // bytes; a longer line is a broken file
)

func openNDJSON(path string) *Set {
	return &Set{Name: baseName(path), Rows: func(ctx context.Context) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			f, err := os.Open(path)
			if err != nil {
				yield(Row{}, err)
				return
			}
			defer f.Close()
			b := skipBOM(f)
			for number := int64(0); ; {
				line, err := readLine(b)
				if err == nil {
					err = ctx.Err()
				}
				if errors.Is(err, io.EOF) {
					return
				}
				if err != nil {
					yield(Row{}, fmt.Errorf("%s: line %d: %w", path, number+1, err))
					return
				}
				number++
				line = bytes.TrimSpace(bytes.TrimLeft(line, string(rune(recordSeparator))))
				if len(line) == 0 {
					continue
				}
				if !yield(lineRow(number, line), nil) {
					return
				}
			}
		}
	}}
}

// lineRow reads one line. A broken line is rejected alone: the next one starts afresh.
func lineRow(number int64, line []byte) Row {
	if !json.Valid(line) {
		text := line
		if !utf8.Valid(text) {
			text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
		}
		quoted, _ := json.Marshal(string(text))
		return Row{Number: number, Err: errors.New("the line is not JSON"), Raw: func() json.RawMessage { return quoted }}
	}
	return featureRow(number, line)
}

// readLine returns the next line in memory of its own. io.EOF comes without one.
func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("longer than %d MiB", maxLine>>20)
		}
	}
}
