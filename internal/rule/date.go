package rule

import "time"

// maxDate is the most bytes of a date, so that no text takes long to be seen as none.
const maxDate = 64

// parseDate reads a date, which is its midnight in UTC, or a time of RFC 3339, whose T may be a space, which may have no seconds
// (as that of a datetime-local input in HTML), and which is in UTC where it names no zone; false if s is neither. Unlike time.Parse
// it allocates nothing, also where s is no date or in another zone.
func parseDate(s string) (time.Time, bool) {
	if len(s) < len(time.DateOnly) || len(s) > maxDate || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	year, okYear := twoDigits(s, 0, 99)
	years, okYears := twoDigits(s, 2, 99)
	month, okMonth := twoDigits(s, 5, 12)
	date, okDay := twoDigits(s, 8, 31)
	if !okYear || !okYears || !okMonth || !okDay || month == 0 || date == 0 {
		return time.Time{}, false
	}
	midnight := time.Date(100*year+years, time.Month(month), date, 0, 0, 0, 0, time.UTC)
	if midnight.Day() != date { // 30 February
		return time.Time{}, false
	}
	if len(s) == len(time.DateOnly) {
		return midnight, true
	}
	sinceMidnight, ok := parseClock(s[len(time.DateOnly):])
	return midnight.Add(sinceMidnight), ok
}

// parseClock reads the rest of a time, from the T or the space to the zone, and returns how long it is after midnight in UTC.
func parseClock(s string) (time.Duration, bool) {
	if len(s) < len("T15:04") || s[0] != 'T' && s[0] != ' ' || s[3] != ':' {
		return 0, false
	}
	hour, okHour := twoDigits(s, 1, 23)
	minute, okMinute := twoDigits(s, 4, 59)
	seconds, rest, okSeconds := parseSeconds(s[len("T15:04"):])
	zone, okZone := parseZone(rest)
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + seconds
	return clock - zone, okHour && okMinute && okSeconds && okZone
}

// parseSeconds reads the seconds of a time and their fraction, if there are any, and returns what follows them.
func parseSeconds(s string) (seconds time.Duration, rest string, ok bool) {
	if s == "" || s[0] != ':' {
		return 0, s, true
	}
	if len(s) < len(":05") {
		return 0, s, false
	}
	second, okSecond := twoDigits(s, 1, 59)
	fraction, rest, okFraction := parseFraction(s[len(":05"):])
	return time.Duration(second)*time.Second + fraction, rest, okSecond && okFraction
}

// parseFraction reads the fraction of a second, if there is one, to the nanosecond, and returns what follows it.
func parseFraction(s string) (fraction time.Duration, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	i, unit := 1, time.Second
	for ; i < len(s) && isDigit(rune(s[i])); i++ {
		unit /= 10
		fraction += time.Duration(s[i]-'0') * unit
	}
	return fraction, s[i:], i > 1
}

// parseZone reads the zone of a time and returns how far it is ahead of UTC.
func parseZone(s string) (time.Duration, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	if len(s) != len("+15:04") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, okHours := twoDigits(s, 1, 23)
	minutes, okMinutes := twoDigits(s, 4, 59)
	ahead := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		ahead = -ahead
	}
	return ahead, okHours && okMinutes
}

// twoDigits returns the number at an offset, and whether it is one and not above the limit.
func twoDigits(s string, at, limit int) (int, bool) {
	tens, ones := s[at]-'0', s[at+1]-'0' // of other characters far above 9: they are unsigned
	n := 10*int(tens) + int(ones)
	return n, tens <= 9 && ones <= 9 && n <= limit
}
