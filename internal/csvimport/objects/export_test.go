package objects

import "time"

// SetStall sets how long a connection may deliver nothing.
func (s *S3) SetStall(d time.Duration) { s.stall = d }
