package sheet

import "strings"

// A spreadsheet runs a cell that begins with one of these characters as a formula.
// Source: https://owasp.org/www-community/attacks/CSV_Injection
const formulaStarts = "=+-@\t\r\n"

// Defuse returns a cell as it is written to any CSV: one that a spreadsheet would run as a formula, or that looks
// as if it had been defused, gets an apostrophe. Restore takes it away again.
func Defuse(cell string) string {
	if startsFormula(cell) {
		return "'" + cell
	}
	return cell
}

// Restore returns the cell that Defuse made s of.
func Restore(s string) string {
	if strings.HasPrefix(s, "'") && startsFormula(s) {
		return s[1:]
	}
	return s
}

// startsFormula reports whether a cell, apostrophes at its start left out, begins like a formula.
func startsFormula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte(formulaStarts, cell[0]) >= 0
}

// restore restores cells in place.
func restore(cells []string) {
	for i, cell := range cells {
		cells[i] = Restore(cell)
	}
}
