package dynamo

import "time"

// SetClock makes the store read the time from now.
func (s *Store) SetClock(now func() time.Time) { s.now = now }
