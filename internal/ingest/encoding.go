package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// textEncoding tells in which encoding a text file is: nil means UTF-8. It reads
// the whole file, since one Chinese character may stand on the last line.
func textEncoding(path string) (enc encoding.Encoding, name string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	b := bufio.NewReaderSize(f, 1<<20)
	switch head, _ := b.Peek(2); string(head) {
	case "\xff\xfe":
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), "UTF-16", nil
	case "\xfe\xff":
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM), "UTF-16", nil
	}
	switch ok, err := isUTF8(b); {
	case err != nil:
		return nil, "", err
	case ok:
		return nil, "", nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	switch ok, err := isGB18030(f); {
	case err != nil:
		return nil, "", err
	case ok:
		return simplifiedchinese.GB18030, "GB18030 (GBK)", nil
	}
	return nil, "", fmt.Errorf("%s is neither UTF-8 nor GB18030 text; save it as UTF-8 (in Excel: CSV UTF-8)", path)
}

// isUTF8 reads r to its end.
func isUTF8(r *bufio.Reader) (bool, error) {
	var carry []byte
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf[copy(buf, carry):])
		chunk := buf[:len(carry)+n]
		carry = nil
		if errors.Is(err, io.EOF) {
			return utf8.Valid(chunk), nil
		}
		if err != nil {
			return false, err
		}
		end := len(chunk) // leave a character that the chunk cuts for the next one
		for i := 1; i <= min(utf8.UTFMax-1, len(chunk)); i++ {
			if c := chunk[len(chunk)-i]; utf8.RuneStart(c) {
				if !utf8.FullRune(chunk[len(chunk)-i:]) {
					end -= i
				}
				break
			}
		}
		if !utf8.Valid(chunk[:end]) {
			return false, nil
		}
		carry = bytes.Clone(chunk[end:])
	}
}

// isGB18030 reads r to its end and reports whether every byte decodes.
func isGB18030(r io.Reader) (bool, error) {
	d := transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	buf := make([]byte, 1<<16)
	var tail []byte
	for {
		n, err := d.Read(buf)
		chunk := append(tail, buf[:n]...)
		if bytes.ContainsRune(chunk, utf8.RuneError) {
			return false, nil
		}
		tail = bytes.Clone(chunk[max(0, len(chunk)-utf8.UTFMax):])
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
