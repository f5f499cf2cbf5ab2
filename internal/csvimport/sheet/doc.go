// Package sheet knows what the columns of a file of customers mean: which hold identifiers, contact fields and data, and of
// what type. New reads a header, an Inference looks at the rows for the types that nobody declared, and a Reader makes
// requests of rows. It reads no file and knows no store.
package sheet
