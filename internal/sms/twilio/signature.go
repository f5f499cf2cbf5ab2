package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
)

// Signature returns what Twilio puts into the X-Twilio-Signature of a form that it posts to an address: the base64 of
// the HMAC-SHA-1, under the auth token of the account, of the address as Twilio was told it, query included, and of the
// parameters by name, each as its name and its value. The values of a repeated one are sorted, and each counts once.
// Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security
func Signature(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	write := func(s string) { _, _ = io.WriteString(mac, s) } // a hash never returns an error
	write(address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			write(name)
			write(value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed reports whether the signature is one of the tokens', in a time that tells nothing of them. An empty token
// signs nothing: anyone could.
func signed(signature string, tokens []string, address string, form url.Values) bool {
	valid := false
	for _, token := range tokens {
		if token != "" && hmac.Equal([]byte(signature), []byte(Signature(token, address, form))) {
			valid = true
		}
	}
	return valid
}
