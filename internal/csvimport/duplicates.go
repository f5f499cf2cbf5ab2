package csvimport

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"

	"lunogram-users/internal/user"
)

// duplicates finds the rows of a file that name the same user. It keeps 24 bytes a row and identifier, beyond
// spillAt of them on disk, and one or two bits a row in memory.
//
//   - A row is replaced if a later one has exactly its pairs: the later one wins, the earlier is skipped.
//   - Rows that share only some of their pairs are entangled: what they do depends on their order, so they are
//     applied after all others, in the order of the file.
//
// Rows of one user that share no pair at all cannot be found here; a worker that meets such a user leaves the row to the
// tail (user.ErrDeferred). Two keys of 128 bits that are equal by chance would be one in 10^20 files of a million rows.
type duplicates struct {
	seeds    [2]maphash.Seed
	sets     sorter // one entry a row: all its pairs
	pairs    sorter // one entry a pair, if the file has several columns of identifiers
	several  bool
	replaced bitmap
	tangled  bitmap
	scratch  []byte
}

func newDuplicates(identifierColumns int) *duplicates {
	return &duplicates{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, several: identifierColumns > 1,
	}
}

// add notes the pairs of a row that would be sent. Rows come in order.
func (d *duplicates) add(row int64, sent []user.Sent) error {
	var set digest
	for _, id := range sent {
		p := d.digest(id.Pair)
		set[0] += p[0] // the order of the pairs does not matter
		set[1] += p[1]
		if d.several {
			if err := d.pairs.add(entry{p, row}); err != nil {
				return err
			}
		}
	}
	return d.sets.add(entry{set, row})
}

func (d *duplicates) digest(p user.Pair) digest {
	d.scratch = append(d.scratch[:0], p.Source...)
	d.scratch = append(d.scratch, 0)
	d.scratch = append(d.scratch, p.ExternalID...)
	return digest{maphash.Bytes(d.seeds[0], d.scratch), maphash.Bytes(d.seeds[1], d.scratch)}
}

// find judges all rows that were added. It is called once, and ends the use of add.
func (d *duplicates) find() error {
	err := d.sets.groups(func(group []entry) {
		for _, e := range group[:len(group)-1] {
			d.replaced.set(e.row)
		}
	})
	if err != nil || !d.several {
		return err
	}
	return d.pairs.groups(func(group []entry) {
		left := slices.DeleteFunc(group, func(e entry) bool { return d.replaced.has(e.row) })
		if len(left) < 2 || left[0].row == left[len(left)-1].row {
			return
		}
		for _, e := range left {
			d.tangled.set(e.row)
		}
	})
}

// close removes what is on disk.
func (d *duplicates) close() error { return errors.Join(d.sets.close(), d.pairs.close()) }

// digest is a 128-bit hash under seeds that only this process knows.
type digest [2]uint64

type entry struct {
	key digest
	row int64
}

func compare(a, b entry) int {
	return cmp.Or(cmp.Compare(a.key[0], b.key[0]), cmp.Compare(a.key[1], b.key[1]), cmp.Compare(a.row, b.row))
}

const (
	// spillAt is how many entries are kept in memory: 768 KB of them.
	spillAt = 32 << 10
	// fan is how many files the others are spread over, by hash, so that one of them fits into memory: 60 million entries
	// make files of 6 MB.
	fan       = 256
	entrySize = 24
)

// sorter groups entries by key, on disk if there are many. The zero value is empty.
type sorter struct {
	memory []entry
	files  []*os.File // nil until something is on disk
	out    []*bufio.Writer
	buf    [entrySize]byte
}

func (s *sorter) add(e entry) error {
	if len(s.memory) < spillAt && s.files == nil {
		s.memory = append(s.memory, e)
		return nil
	}
	if s.files == nil {
		if err := s.open(); err != nil {
			return err
		}
		for _, m := range s.memory {
			if err := s.write(m); err != nil {
				return err
			}
		}
		s.memory = nil
	}
	return s.write(e)
}

func (s *sorter) open() error {
	for range fan {
		f, err := nameless()
		if err != nil {
			return err
		}
		s.files = append(s.files, f)
		s.out = append(s.out, bufio.NewWriterSize(f, 4<<10))
	}
	return nil
}

func (s *sorter) write(e entry) error {
	binary.LittleEndian.PutUint64(s.buf[0:], e.key[0])
	binary.LittleEndian.PutUint64(s.buf[8:], e.key[1])
	binary.LittleEndian.PutUint64(s.buf[16:], uint64(e.row))
	if _, err := s.out[e.key[0]%fan].Write(s.buf[:]); err != nil {
		return fmt.Errorf("spill row keys: %w", err)
	}
	return nil
}

// groups hands every run of two or more entries of one key to visit, in the order of their rows. visit may change it.
func (s *sorter) groups(visit func([]entry)) error {
	if s.files == nil {
		groups(s.memory, visit)
		return nil
	}
	var part []entry
	for i := range s.files {
		var err error
		if part, err = s.read(i, part[:0]); err != nil {
			return fmt.Errorf("read row keys: %w", err)
		}
		groups(part, visit)
	}
	return nil
}

// read appends the entries of one file to part.
func (s *sorter) read(i int, part []entry) ([]entry, error) {
	if err := s.out[i].Flush(); err != nil {
		return nil, err
	}
	if _, err := s.files[i].Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(s.files[i], 64<<10)
	for {
		switch _, err := io.ReadFull(in, s.buf[:]); err {
		case nil:
		case io.EOF:
			return part, nil
		default:
			return nil, err
		}
		part = append(part, entry{
			digest{binary.LittleEndian.Uint64(s.buf[0:]), binary.LittleEndian.Uint64(s.buf[8:])},
			int64(binary.LittleEndian.Uint64(s.buf[16:])),
		})
	}
}

func groups(entries []entry, visit func([]entry)) {
	slices.SortFunc(entries, compare)
	for start := 0; start < len(entries); {
		end := start + 1
		for end < len(entries) && entries[end].key == entries[start].key {
			end++
		}
		if end-start > 1 {
			visit(entries[start:end])
		}
		start = end
	}
}

func (s *sorter) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// bitmap is a set of row numbers. The zero value is empty.
type bitmap []byte

func (b *bitmap) set(row int64) {
	for int64(len(*b)) <= row/8 {
		*b = append(*b, make([]byte, row/8-int64(len(*b))+1)...)
	}
	(*b)[row/8] |= 1 << (row % 8)
}

func (b bitmap) has(row int64) bool {
	return row/8 < int64(len(b)) && b[row/8]&(1<<(row%8)) != 0
}

// slice returns the set of the rows from first to before end, less first.
func (b bitmap) slice(first, end int64) bitmap {
	var out bitmap
	for row := first; row < end && row/8 < int64(len(b)); row++ {
		if b.has(row) {
			out.set(row - first)
		}
	}
	return out
}
