package admin

import (
	"strings"
	"time"

	"evergate/gateway/hotkeys"
	"evergate/gateway/resp"
	"evergate/gateway/slowlog"
	"evergate/routing"
)

var (
	badPauseMode = []byte("-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n")
	badUnblock   = []byte("-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n")
)

// pauseMax is the longest pause: longer than any client waits.
const pauseMax = time.Duration(1 << 61)

// Is reports whether a command makes a Request. asked: the servers are asked whether its client may send it.
func Is(id routing.ID, asked bool) bool {
	switch id {
	case routing.CmdClientNoEvict:
		return asked
	case routing.CmdInfo,
		routing.CmdConfigGet, routing.CmdConfigSet, routing.CmdConfigResetStat, routing.CmdConfigRewrite,
		routing.CmdClientList, routing.CmdClientKill, routing.CmdClientPause, routing.CmdClientUnpause,
		routing.CmdClientUnblock,
		routing.CmdHotKeysStart, routing.CmdHotKeysStop, routing.CmdHotKeysGet, routing.CmdHotKeysReset,
		routing.CmdSlowLogGet, routing.CmdSlowLogLen, routing.CmdSlowLogReset,
		routing.CmdLatencyDoctor, routing.CmdLatencyGraph, routing.CmdLatencyHistogram, routing.CmdLatencyHistory,
		routing.CmdLatencyLatest, routing.CmdLatencyReset,
		routing.CmdProxyClients, routing.CmdProxyFailovers, routing.CmdProxyInfo, routing.CmdProxyTopology:
		return true
	}
	return false
}

// Parse returns the Request of a command; now is the time of day. wrong is the error reply to invalid arguments.
func Parse(command *routing.Command, args [][]byte, now time.Time) (r Request, wrong []byte) {
	switch command.ID {
	case routing.CmdInfo:
		r.Kind, r.Words = Info, lower(args[1:])
	case routing.CmdProxyClients, routing.CmdProxyFailovers, routing.CmdProxyInfo, routing.CmdProxyTopology:
		r.Kind, r.Command, r.Words = Proxy, command.ID, lower(args[2:])
	case routing.CmdConfigGet, routing.CmdConfigSet, routing.CmdConfigResetStat, routing.CmdConfigRewrite:
		r.Kind, r.Command, r.Words = Config, command.ID, []string{command.Word()}
		for _, a := range args[2:] {
			r.Words = append(r.Words, string(a))
		}
	case routing.CmdHotKeysStart, routing.CmdHotKeysStop, routing.CmdHotKeysGet, routing.CmdHotKeysReset:
		r.Kind, r.Command = HotKeys, command.ID
		if command.ID == routing.CmdHotKeysStart {
			r.Options, wrong = hotkeys.Parse(args)
		}
	case routing.CmdSlowLogGet, routing.CmdSlowLogLen, routing.CmdSlowLogReset:
		r.Kind, r.Command = SlowLog, command.ID
		if command.ID == routing.CmdSlowLogGet {
			r.SlowQuery, wrong = slowlog.Parse(args)
		}
	case routing.CmdLatencyDoctor, routing.CmdLatencyGraph, routing.CmdLatencyHistogram, routing.CmdLatencyHistory,
		routing.CmdLatencyLatest, routing.CmdLatencyReset:
		r.Kind, r.Command, r.Words = Latency, command.ID, []string{command.Word()}
		for _, a := range args[2:] {
			r.Words = append(r.Words, string(a))
		}
	case routing.CmdClientList:
		r.Kind, r.Size = ListClients, len(resp.AppendCommand(nil, args...))
		r.Filter, wrong = listFilter(args)
	case routing.CmdClientKill:
		r.Kind = KillClients
		r.Filter, wrong = killFilter(args)
	case routing.CmdClientPause:
		r, wrong = pause(args, now)
	case routing.CmdClientUnpause:
		r.Kind = UnpauseClients
	case routing.CmdClientUnblock:
		r, wrong = unblock(args)
	case routing.CmdClientNoEvict:
		r.Kind, r.On = KeepAsker, resp.IsWord(args[2], "on")
		if !r.On && !resp.IsWord(args[2], "off") {
			wrong = resp.SyntaxError
		}
	}
	return r, wrong
}

// Asked returns the words by which a server is asked whether a user may execute a command: its own, or those of one
// that shows the same where no server has it.
func Asked(command *routing.Command, args [][]byte) (words []string) {
	switch {
	case command.ID == routing.CmdProxyClients:
		return []string{"CLIENT", "LIST"}
	case command.Family == routing.CmdProxy:
		return []string{"INFO"}
	}
	for _, a := range args {
		words = append(words, string(a))
	}
	return words
}

// lower returns arguments in lower case.
func lower(args [][]byte) (words []string) {
	for _, a := range args {
		words = append(words, strings.ToLower(string(a)))
	}
	return words
}

// pause parses CLIENT PAUSE milliseconds [WRITE|ALL].
func pause(args [][]byte, now time.Time) (r Request, wrong []byte) {
	r = Request{Kind: PauseClients, PauseAll: true}
	if len(args) > 4 {
		return r, tooManyWords(args)
	}
	if len(args) == 4 && resp.IsWord(args[3], "write") {
		r.PauseAll = false
	} else if len(args) == 4 && !resp.IsWord(args[3], "all") {
		return r, badPauseMode
	}
	ms, wrong := resp.Timeout(args[2], now.UnixMilli())
	if wrong != nil {
		return r, wrong
	}
	r.Pause = time.Duration(min(ms, int64(pauseMax/time.Millisecond))) * time.Millisecond
	return r, nil
}

// unblock parses CLIENT UNBLOCK id [TIMEOUT|ERROR].
func unblock(args [][]byte) (r Request, wrong []byte) {
	r = Request{Kind: UnblockClient}
	if len(args) > 4 {
		return r, tooManyWords(args)
	}
	if len(args) == 4 {
		r.AsError = resp.IsWord(args[3], "error")
		if !r.AsError && !resp.IsWord(args[3], "timeout") {
			return r, badUnblock
		}
	}
	n, ok := resp.Integer(args[2])
	if !ok {
		return r, resp.NotInteger
	}
	r.ID = n
	return r, nil
}

// tooManyWords is Redis' error for a subcommand with too many arguments.
func tooManyWords(args [][]byte) []byte {
	return resp.AppendError(nil, "ERR unknown subcommand or wrong number of arguments for '"+
		string(resp.Cut(args[1], 128))+"'. Try CLIENT HELP.")
}
