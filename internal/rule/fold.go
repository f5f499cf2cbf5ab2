package rule

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// needle is a text that is looked for without regard to case.
type needle struct {
	folded []rune
	// back tells where to go on when a character does not fit: the length of the longest proper prefix of the first i+1 characters
	// that is also their suffix (Knuth, Morris, Pratt). So the time is linear whatever the texts are.
	back []int
	// variants are the characters beyond ASCII that are one of the needle but for their case, sorted. Others need not be folded, which
	// takes ten times as long.
	variants []variant
}

// variant is a character, and what fold makes of it.
type variant struct{ of, folded rune }

func newNeedle(s string) needle {
	n := needle{}
	for _, r := range s {
		n.folded = append(n.folded, fold(r))
	}
	n.variants = variantsOf(n.folded)
	n.back = make([]int, len(n.folded))
	for i := 1; i < len(n.folded); i++ {
		n.back[i] = n.advance(n.back[i-1], n.folded[i])
	}
	return n
}

// variantsOf returns what of all cases of some folded characters is beyond ASCII.
func variantsOf(folded []rune) (variants []variant) {
	for _, f := range folded {
		for r := unicode.SimpleFold(f); ; r = unicode.SimpleFold(r) {
			if r >= utf8.RuneSelf {
				variants = append(variants, variant{r, f})
			}
			if r == f {
				break
			}
		}
	}
	slices.SortFunc(variants, func(a, b variant) int { return cmp.Compare(a.of, b.of) })
	return slices.Compact(variants)
}

// fold is the function fold for those characters that may fit, and -1 for others.
func (n *needle) fold(r rune) rune {
	if r < utf8.RuneSelf {
		return fold(r)
	}
	i, found := slices.BinarySearchFunc(n.variants, r, func(v variant, r rune) int { return int(v.of - r) })
	if !found {
		return -1
	}
	return n.variants[i].folded
}

// advance returns how many characters of the needle fit once r follows where so many did.
func (n *needle) advance(fit int, r rune) int {
	for fit > 0 && n.folded[fit] != r {
		fit = n.back[fit-1]
	}
	if n.folded[fit] == r {
		fit++
	}
	return fit
}

// in reports whether s contains the needle.
func (n *needle) in(s string) bool {
	fit := 0
	for _, r := range s {
		if fit == len(n.folded) {
			break
		}
		fit = n.advance(fit, n.fold(r))
	}
	return fit == len(n.folded)
}

// starts reports whether s starts with the needle.
func (n *needle) starts(s string) bool {
	fit := 0
	for _, r := range s {
		if fit == len(n.folded) || n.folded[fit] != n.fold(r) {
			break
		}
		fit++
	}
	return fit == len(n.folded)
}

// ends reports whether s ends with the needle.
func (n *needle) ends(s string) bool {
	for i := len(n.folded) - 1; i >= 0; i-- {
		r, size := utf8.DecodeLastRuneInString(s)
		if size == 0 || n.folded[i] != n.fold(r) {
			return false
		}
		s = s[:len(s)-size]
	}
	return true
}

// fold returns the same character for all that differ in case only: the first of them in Unicode.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	first := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		first = min(first, next)
	}
	return first
}
