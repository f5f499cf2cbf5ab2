package csvimport_test

import (
	"testing"

	"lunogram-users/internal/csvimport"
)

// FuzzImport checks that any file ends an import, that its counters add up, and that what was refused is refused again
// when the error file is imported uncorrected.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		specification, "identifier,identifier:crm,email,import_error\nu1,c1,x,\n,c2,\"\n,,,old\nu3,\xff\n", "\uFEFFexternal_id,=a\r\nu1,\"\r\r\n\"\r\n",
		"identifier\n\"a\"b\n\x00\n", "identifier,locale,timezone,phone\nu1,en,UTC,+15550101234\nu1,e,U,1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c := newCloud()
		if err := c.importer().Handle(t.Context(), c.upload(t, "a.csv", in)); err != nil {
			t.Fatal(err)
		}
		first := c.record(t)
		sum(t, first.Counters)
		if got := max(0, len(c.errorsOf(t, "a"))-1); int64(got) != first.Failed {
			t.Fatalf("got %d rows in the error file, want %d", got, first.Failed)
		}
		if first.Failed == 0 {
			return
		}
		c.records = make(map[string]csvimport.Import)
		refused := string(c.objects[bucket+"/results/"+projectID+"/a.errors.csv"])
		if err := c.importer().Handle(t.Context(), c.upload(t, "b.csv", refused)); err != nil {
			t.Fatal(err)
		}
		want := csvimport.Counters{Rows: first.Failed, Failed: first.Failed}
		if got := c.record(t); got.Counters != want {
			t.Errorf("got %+v, %q for the error file, want %+v:\n%s", got.Counters, got.Reason, want, refused)
		}
	})
}
