package settings

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"evergate/gateway/config"
)

// usersSetting takes the lines of users. They may have passwords, so they are not shown, and stand in the file only.
func usersSetting() *Setting {
	s := listSetting("users", "user NAME RULE ...", "users of this gateway, in the syntax of Redis's ACL",
		func(t target) *[]string { return &t.service.Access.Users })
	s.kind, s.FileOnly, s.secret = lines, true, true
	s.show = func(t target) string {
		if n := len(t.service.Access.Users); n > 0 {
			return fmt.Sprintf("%d lines", n)
		}
		return ""
	}
	return s
}

func auditLogSetting() *Setting {
	s := textSetting("audit-log", "FILE|stdout", "log of denied and of dangerous commands, in JSON, without values",
		func(t target) *string { return &t.config.AuditLog })
	s.Choices = []string{config.AuditStdout}
	return s
}

func usersFileSetting() *Setting {
	return textSetting("users-file", "FILE", "file of users in the syntax of Redis's ACL, read every second",
		func(t target) *string { return &t.service.Access.UsersFile })
}

// checkUsers reads every file of users: a wrong line is to fail the start.
func (r *Resolved) checkUsers(s *Sources) {
	for i := range r.Config.Services {
		service := &r.Config.Services[i]
		r.warnSelecting(i)
		if !service.Access.Defined() {
			continue
		}
		name := "users"
		if service.Access.UsersFile != "" {
			name = "users-file"
		}
		at, _ := r.where(i, name, "")
		a := assignment{setting: Find(name), at: at}
		warnings, err := service.Access.Check(service.Listen, service.NoAuth)
		for _, text := range warnings {
			r.Warnings = append(r.Warnings, Mistake{at, a.named(text)})
		}
		switch {
		case name == "users": // were validated
		case errors.Is(err, os.ErrNotExist) && r.elsewhere:
			r.Warnings = append(r.Warnings, Mistake{at, a.named(err.Error())})
		case err != nil:
			for text := range strings.SplitSeq(err.Error(), "; ") {
				s.wrong(at, a.named(text))
			}
		default:
			r.warnReadable(service, at, &a)
			r.warnUnknown(i)
		}
	}
}

// warnUnknown warns of settings of users that the file lacks: it may get them later.
func (r *Resolved) warnUnknown(service int) {
	for _, name := range r.Config.Services[service].UnknownUsers() {
		at, _ := r.where(service, "user-settings", name)
		a := assignment{setting: Find("user-settings"), at: at}
		r.Warnings = append(r.Warnings, Mistake{at, a.named("the file of users has no " + strconv.Quote(name))})
	}
}

// warnSelecting warns of users that are held to databases which their scripts can leave.
func (r *Resolved) warnSelecting(service int) {
	for _, name := range r.Config.Services[service].SelectingUsers() {
		at, _ := r.where(service, "user-settings", name)
		a := assignment{setting: Find("user-settings"), at: at}
		r.Warnings = append(r.Warnings, Mistake{at, a.named("databases of " + strconv.Quote(name) +
			" do not bind its scripts, which can select any (-@scripting forbids scripts)")})
	}
}

// warnReadable warns of a file of users that everybody on this machine may read.
func (r *Resolved) warnReadable(service *config.Service, at Place, a *assignment) {
	file := service.Access.UsersFile
	if stat, err := os.Stat(file); err == nil && stat.Mode().Perm()&0o004 != 0 {
		r.Warnings = append(r.Warnings, Mistake{at, a.named(file +
			" can be read by every user of this machine (chmod o-r " + file + ")")})
	}
}
