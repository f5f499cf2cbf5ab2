//go:build unix && !linux

package child

// skipSync does nothing: only Linux can.
func skipSync() {}
