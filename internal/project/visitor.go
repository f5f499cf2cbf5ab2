package project

import (
	"net"
	"strings"

	"lunogram-users/internal/consent"
)

// maxUserAgent is how much of a browser's name is kept, in bytes.
const maxUserAgent = 512

// Visitor returns what the ledger keeps of who uses a link, as the project wants: the IP address, from a remote address
// with or without a port, and the start of the browser's name.
func (s Settings) Visitor(remoteAddr, userAgent string) consent.Evidence {
	var e consent.Evidence
	if s.KeepAddress {
		e.Address = remoteAddr
		if host, _, err := net.SplitHostPort(remoteAddr); err == nil {
			e.Address = host
		}
	}
	if s.KeepUserAgent {
		// A character that the cut goes through is left out.
		e.UserAgent = strings.ToValidUTF8(userAgent[:min(len(userAgent), maxUserAgent)], "")
	}
	return e
}
