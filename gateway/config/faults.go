package config

import "strings"

// Fault is one thing wrong with a Gateway, in the settings' own names. Whoever read the settings can add where each one
// stands.
type Fault struct {
	// Service is the index in Gateway.Services, -1 for a setting of the whole process.
	Service int
	// Setting is its name in flags and files, as "listen"; Other is a second one that it conflicts with.
	Setting, Other string
	// Item is the entry at fault if Setting is a list or a map.
	Item string
	// Given is the word that is none of Choices, both empty otherwise: enough for a suggestion.
	Given   string
	Choices []string
	// Text describes the fault, without the place; it shows no secret.
	Text string
	// Cause is why a file could not be read; nil for all other faults.
	Cause error
}

// Faults is the error of Validate: everything that is wrong, in the order of the settings.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Setting + ": " + fault.Text
	}
	return strings.Join(lines, "; ")
}
