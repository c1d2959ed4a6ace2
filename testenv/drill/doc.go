// Package drill breaks Redis servers behind the gateway and reports which promises were kept.
//
// A drill has a site (the servers, and the address that clients use), a load (clients that send at fixed times and note
// every reply), an act (the failure), observers beside the path (which server accepts writes, what Sentinels publish),
// and a verdict. Typical use:
//
//	judged, err := drill.Run(ctx, drill.Plan{Name: "kill-primary", Mode: drill.Sentinel, Binary: self})
//	if err != nil { ... }           // it could not be run
//	fmt.Print(judged.Text())
//	if len(judged.Verdict.Broken) > 0 { ... }
//
// Show is the same load and the same acts without an end, on servers of the caller: for evergate demo.
//
// Package ledger decides: entries in, judgement out. Package report shows: judgement in, text and pages out. This one
// has the sockets and the processes.
//
// A closed loop, which sends the next request when the last one is answered, was rejected: it sends least while the
// servers are slowest, so its percentiles hide the pause.
package drill
