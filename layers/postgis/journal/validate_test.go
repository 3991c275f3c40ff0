package journal_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis/journal"
)

// The validator lets writers do what departments do, at random but by a seed, while
// three nodes move and read and lose their connections, and then compares what each
// node read with what a trigger of its own saw committed. ONEMAP_JOURNAL_RUNS=200
// makes it a long one.
func TestEveryCommittedChangeIsReadOnceAndInOrderByEveryNode(t *testing.T) {
	runs := 5
	if s := os.Getenv("ONEMAP_JOURNAL_RUNS"); s != "" {
		var err error
		if runs, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	server := pgtest.Cluster(t, "deadlock_timeout=20ms")
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { validate(t, server, uint64(seed)) })
	}
}

const (
	keys    = 12 // few, so that writers meet
	writers = 5
	written = 60 // transactions of each
)

func validate(t *testing.T, server *pgtest.Server, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	url := server.Database(t)
	s := ready(t, url, journal.Options{})
	deferred := ""
	if seed%3 == 2 {
		deferred = "DEFERRABLE INITIALLY DEFERRED"
	}
	s.exec(`CREATE TABLE things (id int PRIMARY KEY ` + deferred + `, v bigint NOT NULL);
		CREATE SEQUENCE v;
		CREATE TABLE truth (n bigint GENERATED ALWAYS AS IDENTITY, xid xid8, old_id int, old_v bigint, new_id int, new_v bigint);
		CREATE FUNCTION truth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO truth (xid, old_id, old_v, new_id, new_v) VALUES (pg_current_xact_id(), OLD.id, OLD.v, NEW.id, NEW.v); RETURN NULL; END $$;
		CREATE TRIGGER truth AFTER INSERT OR UPDATE OR DELETE ON things FOR EACH ROW EXECUTE FUNCTION truth()`)
	s.capture(journal.Table{Layer: "things", Schema: "public", Name: "things", Key: "id", Columns: []string{"v"}})
	from := s.head()

	nodes := []*site{s, ready(t, url, journal.Options{}), ready(t, url, journal.Options{})}
	for _, n := range nodes {
		n.stop = runJournal(t, n.j)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stopReading := make(chan layers.Position, len(nodes))
	read := make([][]journal.Entry, len(nodes))
	var reading sync.WaitGroup
	for i, n := range nodes {
		limit := 1 + r.IntN(20)
		reading.Go(func() { read[i] = readAll(ctx, t, n.j, from, limit, stopReading) })
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() { scribble(ctx, t, s.pool, rand.New(rand.NewPCG(seed, uint64(w+1)))) })
	}
	for range r.IntN(4) {
		time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
		_, _ = s.pool.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onemap mover'")
	}
	if seed%4 == 3 {
		server.Restart(t, pgtest.Immediate)
	}
	writing.Wait()
	for _, n := range nodes {
		n.pool.Reset()
	}
	s.at = from
	s.moved() // all that is committed is now in the log
	for range nodes {
		stopReading <- s.at.Position
	}
	reading.Wait()
	compare(t, s, read, deferred != "")
}

// readAll reads like a feed: whole commits, until it is told the end.
func readAll(ctx context.Context, t *testing.T, j *journal.Journal, at layers.Cursor, limit int, end <-chan layers.Position) (all []journal.Entry) {
	last := layers.Position(-1)
	for last < 0 || at.Position < last {
		entries, err := j.Read(ctx, at, limit)
		if layers.CodeOf(err) == layers.Unavailable && err != nil {
			time.Sleep(5 * time.Millisecond) // the server restarts
			continue
		} else if err != nil {
			t.Errorf("read after %v: %v", at, err)
			return all
		}
		if len(entries) > 0 {
			all = append(all, entries...)
			at.Position = entries[len(entries)-1].Position
			if at.Position != entries[len(entries)-1].Last {
				t.Errorf("a read ends at %d, within a commit", at.Position)
			}
			continue
		}
		select {
		case last = <-end:
		case <-ctx.Done():
			t.Error("a reader does not come to the end")
			return all
		default:
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			_ = j.Wait(short, at.Position)
			cancel()
		}
	}
	return all
}

// scribble runs transactions of all kinds. What fails (deadlocks, keys that are
// taken, a server that restarts) is not committed, and the truth knows.
func scribble(ctx context.Context, t *testing.T, pool *pgxpool.Pool, r *rand.Rand) {
	for n := 0; n < written; n++ {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			for range 1 + r.IntN(4) {
				if err := scribbleOnce(ctx, tx, r); err != nil {
					return err
				}
				if r.IntN(40) == 0 { // a long one
					time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
				}
			}
			if r.IntN(8) == 0 {
				return pgx.ErrTxClosed // rolled back
			}
			return nil
		})
		var refused *pgconn.PgError
		if err != nil && err != pgx.ErrTxClosed && (!errors.As(err, &refused) || strings.HasPrefix(refused.Code, "57")) {
			n-- // the server restarts
			time.Sleep(10 * time.Millisecond)
		}
		if ctx.Err() != nil {
			t.Error("writers do not come to the end")
			return
		}
	}
}

func scribbleOnce(ctx context.Context, tx pgx.Tx, r *rand.Rand) error {
	key, other := r.IntN(keys), r.IntN(keys)
	f := func(tx pgx.Tx) (err error) {
		switch r.IntN(7) {
		case 0, 1:
			_, err = tx.Exec(ctx, "UPDATE things SET v = nextval('v') WHERE id = $1", key)
		case 2:
			_, err = tx.Exec(ctx, "DELETE FROM things WHERE id = $1", key)
		case 3:
			_, err = tx.Exec(ctx, "UPDATE things SET id = $2, v = nextval('v') WHERE id = $1 AND NOT EXISTS (SELECT FROM things WHERE id = $2)", key, other)
		case 4: // swap
			_, err = tx.Exec(ctx, "UPDATE things SET id = CASE id WHEN $1 THEN $2 ELSE $1 END, v = nextval('v') WHERE id IN ($1::int, $2::int) AND (SELECT count(*) FROM things WHERE id IN ($1, $2)) = 2", key, other)
		case 5:
			_, err = tx.Exec(ctx, "UPDATE things SET v = nextval('v') WHERE id % 3 = $1", key%3)
		default:
			_, err = tx.Exec(ctx, "INSERT INTO things SELECT $1, nextval('v') WHERE NOT EXISTS (SELECT FROM things WHERE id = $1)", key)
		}
		return err
	}
	if r.IntN(3) > 0 {
		return f(tx)
	}
	sub, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return err
	}
	if err := f(sub); err != nil || r.IntN(2) == 0 {
		return sub.Rollback(ctx)
	}
	return sub.Commit(ctx)
}

// told is a change as the truth and the log both have it. A v of 0 is none.
type told struct {
	key      string
	old, new int64
}

// compare checks that every node read the same, each transaction once and as it was
// committed, and that each change begins with what the one before left. Where keys
// may be written before they are free, changes may come in another order if a reset
// follows.
func compare(t *testing.T, s *site, read [][]journal.Entry, deferred bool) {
	want := truth(t, s)
	for i := range read {
		if read[i] = slices.DeleteFunc(read[i], func(e journal.Entry) bool { return e.Layer == "mark" }); !sameEntries(read[i], read[0]) {
			t.Errorf("node %d read something else than node 0", i)
		}
	}
	got := map[uint64][]told{}
	now := map[string]int64{} // the features as the reader has them
	var before uint64
	resets, disorder := 0, false
	for _, e := range read[0] {
		if _, known := got[e.Xid]; known && e.Xid != before {
			t.Errorf("transaction %d comes twice", e.Xid)
		}
		before = e.Xid
		if e.Kind == layers.ChangeReset {
			resets++
			clear(now)
			disorder = false
			continue
		}
		c := told{key: e.Key, old: version(t, e.Old), new: version(t, e.New)}
		if v, known := now[c.key]; v != c.old && (known || resets == 0) {
			if disorder = true; !deferred {
				t.Errorf("position %d: feature %s goes from %d to %d, but was %d", e.Position, c.key, c.old, c.new, v)
			}
		}
		now[c.key] = c.new
		got[e.Xid] = append(got[e.Xid], c)
	}
	if disorder || resets > 0 && !deferred {
		t.Errorf("a disorder that no reset follows: %v, resets: %d", disorder, resets)
	}
	for xid := range want {
		sortTold(got[xid])
		if !slices.Equal(got[xid], want[xid]) {
			t.Errorf("transaction %d: read %v, committed %v", xid, got[xid], want[xid])
		}
	}
	for xid := range got {
		if want[xid] == nil {
			t.Errorf("transaction %d was read and never committed", xid)
		}
	}
	t.Logf("%d transactions, %d changes, %d resets", len(want), len(read[0]), resets)
	if len(want) < writers*written/4 {
		t.Errorf("only %d transactions were committed", len(want))
	}
}

// truth folds what the test's own trigger saw.
func truth(t *testing.T, s *site) map[uint64][]told {
	rows, err := s.pool.Query(t.Context(), "SELECT xid, coalesce(old_id, -1), coalesce(old_v, 0), coalesce(new_id, -1), coalesce(new_v, 0) FROM truth ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	// Each write makes a new v, so that what a transaction leaves is what it took
	// and did not make, and what it made and did not take.
	type key struct {
		xid uint64
		id  int
	}
	folded := map[key]*told{}
	made := map[uint64]map[int64]bool{}
	var xid uint64
	var oldID, newID int
	var oldV, newV int64
	_, err = pgx.ForEachRow(rows, []any{&xid, &oldID, &oldV, &newID, &newV}, func() error {
		for _, id := range []int{oldID, newID} {
			if id >= 0 && folded[key{xid, id}] == nil {
				folded[key{xid, id}] = &told{key: fmt.Sprint(id)}
			}
		}
		if made[xid] == nil {
			made[xid] = map[int64]bool{}
		}
		if oldID >= 0 && !made[xid][oldV] {
			folded[key{xid, oldID}].old = oldV
		}
		if oldID >= 0 && folded[key{xid, oldID}].new == oldV {
			folded[key{xid, oldID}].new = 0
		}
		if newID >= 0 {
			folded[key{xid, newID}].new = newV
			made[xid][newV] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64][]told{}
	for k, c := range folded {
		if c.old != 0 || c.new != 0 {
			want[k.xid] = append(want[k.xid], *c)
		}
	}
	for xid := range want {
		sortTold(want[xid])
	}
	return want
}

func sortTold(c []told) { slices.SortFunc(c, func(a, b told) int { return cmp.Compare(a.key, b.key) }) }

func sameEntries(a, b []journal.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b journal.Entry) bool {
		return a.Position == b.Position && a.Xid == b.Xid && brief(a) == brief(b)
	})
}

func version(t *testing.T, i *journal.Image) int64 {
	if i == nil {
		return 0
	}
	var a struct{ V int64 }
	if err := json.Unmarshal(i.Attributes, &a); err != nil {
		t.Error(err)
	}
	return a.V
}
