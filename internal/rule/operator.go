package rule

// operator is what a comparison asks.
type operator int

const (
	equal operator = iota
	less
	atMost
	greater
	atLeast
	in
	contains
	starts
	ends
	exists
)

// spellings are the operators as they are written. NOT before a word negates it.
var spellings = [...]struct {
	text    string
	op      operator
	negated bool
	word    bool
}{
	{"=", equal, false, false}, {"!=", equal, true, false}, {"<", less, false, false}, {"<=", atMost, false, false},
	{">", greater, false, false}, {">=", atLeast, false, false}, {"IN", in, false, true}, {"CONTAINS", contains, false, true},
	{"STARTS WITH", starts, false, true}, {"ENDS WITH", ends, false, true}, {"EXISTS", exists, false, true},
}

// ordered reports whether the operator needs values of which one can be greater.
func (o operator) ordered() bool { return less <= o && o <= atLeast }

// admits reports whether the operator holds where the value is less than (-1), equal to (0) or greater than (1) the literal.
func (o operator) admits(sign int) bool {
	switch o {
	case less:
		return sign < 0
	case atMost:
		return sign <= 0
	case greater:
		return sign > 0
	case atLeast:
		return sign >= 0
	}
	return sign == 0
}
