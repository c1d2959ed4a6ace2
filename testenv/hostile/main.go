package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if attackIfOrdered() {
		return
	}
	minutes := flag.Float64("minutes", 10, "how long the attacks last; the minute before, or a fifth, is without. The "+
		"attackers have the lowest priority first, and that of all others in the second half")
	only := flag.String("only", "", "names of attacks, separated by commas; the others are not made")
	flag.Parse()
	attacked := time.Duration(*minutes * float64(time.Minute))
	o := Options{Quiet: min(time.Minute, attacked/5), Apart: attacked / 2, Beside: attacked / 2,
		Each: func(line string) { fmt.Println(line) }}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	r, err := Run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(r)
	wrong := r.Wrong(true)
	for _, line := range wrong {
		fmt.Println("WRONG:", line)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}
