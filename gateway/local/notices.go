package local

import "evergate/gateway/resp"

// Errors of CLIENT MAINT_NOTIFICATIONS. Client libraries send it by default, and go on without after any error.
var (
	noticesNeedRESP3 = resp.AppendError(nil,
		"ERR CLIENT MAINT_NOTIFICATIONS ON needs RESP3: notifications are push messages; send HELLO 3 first")
	noticesForm = resp.AppendError(nil,
		"ERR CLIENT MAINT_NOTIFICATIONS takes ON, ON MOVING-ENDPOINT-TYPE <type> or OFF")
	noticesType = resp.AppendError(nil,
		"ERR Invalid moving-endpoint-type: it is one of internal-ip, internal-fqdn, external-ip, external-fqdn, none")
)

// unnamedEndpoint is the type of clients that want no address in MOVING.
const unnamedEndpoint = "none"

// endpointTypes are the forms of an address that a client may ask for.
var endpointTypes = []string{"internal-ip", "internal-fqdn", "external-ip", "external-fqdn", unnamedEndpoint}

// notices executes CLIENT MAINT_NOTIFICATIONS with its arguments. A client that names no type wants no address.
func notices(args [][]byte, f *Facts) (reply []byte, do Effect) {
	switch {
	case resp.IsWord(args[0], "off") && len(args) == 1:
		return resp.OK, Effect{Do: NoticesOff}
	case !resp.IsWord(args[0], "on") || len(args) != 1 && len(args) != 3:
		return noticesForm, do
	case len(args) == 3 && !resp.IsWord(args[1], "moving-endpoint-type"):
		return noticesForm, do
	case f.Proto != 3:
		return noticesNeedRESP3, do
	case len(args) == 1:
		return resp.OK, Effect{Do: NoticesOn | NoticesUnnamed}
	}
	for _, t := range endpointTypes {
		if resp.IsWord(args[2], t) {
			do.Do = NoticesOn
			if t == unnamedEndpoint {
				do.Do |= NoticesUnnamed
			}
			return resp.OK, do
		}
	}
	return noticesType, do
}
