// Package csvimport reads CSV files of customers into profiles.
//
// An object imports/<project>/<name>.csv (or .csv.gz) starts an import. One invocation plans it: it reads the file once, learns its format
// and the types of its columns, finds the rows that a later row of the same user replaces, and cuts the file at row
// boundaries into chunks. Each chunk is a [Task] on a queue, which workers take in parallel. A worker streams its chunk in
// segments of some hundred rows: it prepares a segment (reads and compares), stores what undo will need, writes, and
// checkpoints. Whoever finishes the last chunk closes the import: reports and totals.
//
// Everything may be delivered twice and cut short anywhere. A chunk goes on from its checkpoint; the rows behind it
// that were written already carry the import's mark and are not applied again, so the counters come out as if nothing had
// happened.
//
// What an import refuses goes to results/<project>/<name>.errors.csv. Memory does not grow with the file.
package csvimport
