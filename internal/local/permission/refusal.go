package permission

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
)

// denied is the code of the services that speak JSON.
const denied = "AccessDeniedException"

// refuseJSON answers as the services do that speak JSON. The scheduler's error is in the header, and the others' in the body.
func refuseJSON(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-ErrorType", denied)
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": denied, "message": message, "Message": message}) // the client may have gone away
}

func refuseSNS(w http.ResponseWriter, message string) {
	refuseXML(w, struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
	}{Type: "Sender", Code: "AuthorizationError", Message: message})
}

func refuseS3(w http.ResponseWriter, message string) {
	refuseXML(w, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}{Code: "AccessDenied", Message: message})
}

func refuseXML(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_ = xml.NewEncoder(w).Encode(document) // the client may have gone away
}
