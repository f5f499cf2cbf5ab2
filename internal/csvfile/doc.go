// Package csvfile reads CSV files as people save them: whatever the delimiter, the encoding and the compression, and with
// the damage that files come with. Sniff says what a file is, a Decoder turns it into lines of bytes, and a Scanner into
// records. A damaged line costs that line and nothing else. A file can be scanned from any record boundary on, so that
// several readers may share it: they find the records that one reader finds.
package csvfile
