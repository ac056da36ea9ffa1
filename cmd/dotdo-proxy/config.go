package main

import (
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"

	"github.com/dot-do/dotdo-proxy/protocol"
	"github.com/dot-do/dotdo-proxy/protocol/host"
)

// flags are the command line of serve, as typed.
type flags struct {
	config  string
	dataDir string
	listen  []string
	set     []string
}

// config is everything that can be configured. configs/dotdo-proxy.yaml
// documents each key with its default; a test keeps the two equal.
type config struct {
	DataDir      string                       `mapstructure:"data_dir"`
	Listen       map[string]string            `mapstructure:"listen"`
	Auth         string                       `mapstructure:"auth"`
	Users        []user                       `mapstructure:"users"`
	Database     string                       `mapstructure:"database"`
	AutoCreate   string                       `mapstructure:"auto_create"`
	Durability   string                       `mapstructure:"durability"`
	DrainTimeout time.Duration                `mapstructure:"drain_timeout"`
	TLS          tlsConfig                    `mapstructure:"tls"`
	Limits       limits                       `mapstructure:"limits"`
	Objects      objects                      `mapstructure:"objects"`
	Log          logConfig                    `mapstructure:"log"`
	Settings     map[string]map[string]string `mapstructure:"settings"`
	RawDatabases []map[string]any             `mapstructure:"databases"`

	Databases []database        `mapstructure:"-"` // from RawDatabases' text, see readDatabases
	listeners map[string]string // what to open: name → address
	loopback  bool              // every listener is bound to loopback
	trust     bool              // any credentials are accepted
}

// user may connect through every system.
type user struct {
	Name     string `mapstructure:"name"`
	Password string `mapstructure:"password"`
}

// tlsConfig names the certificate of the listeners.
type tlsConfig struct {
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`
}

// limits bound what clients can take.
type limits struct {
	Connections int           `mapstructure:"connections"`
	Message     int           `mapstructure:"message"`
	PreAuth     int           `mapstructure:"pre_auth"`
	AuthTimeout time.Duration `mapstructure:"auth_timeout"`
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
}

// objects bounds what stays open below the listeners.
type objects struct {
	Open        int           `mapstructure:"open"`
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
}

// logConfig shapes the log on stderr.
type logConfig struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// maxPreAuth is the most a client may make the daemon hold before it has
// authenticated.
const maxPreAuth = 1 << 20

// defaults sets every key that has a default. Environment variables are only
// seen for keys known here.
func defaults(v *viper.Viper) {
	v.SetDefault("data_dir", "data")
	v.SetDefault("auth", "")
	v.SetDefault("database", "main")
	v.SetDefault("auto_create", "auto")
	v.SetDefault("durability", "full")
	v.SetDefault("drain_timeout", "10s")
	v.SetDefault("tls.cert", "")
	v.SetDefault("tls.key", "")
	v.SetDefault("limits.connections", 10000)
	v.SetDefault("limits.message", 64<<20)
	v.SetDefault("limits.pre_auth", 64<<10)
	v.SetDefault("limits.auth_timeout", "30s")
	v.SetDefault("limits.idle_timeout", "0s")
	v.SetDefault("objects.open", 512)
	v.SetDefault("objects.idle_timeout", "60s")
	v.SetDefault("log.level", "info")
	v.SetDefault("log.format", "text")
	for _, i := range protocol.Systems() {
		v.SetDefault("listen."+i.Name, net.JoinHostPort("127.0.0.1", strconv.Itoa(i.Port)))
	}
	v.SetDefault("listen."+host.AdminName, "127.0.0.1:8600")
}

// loadConfig merges, weakest first: defaults, file, environment, --set, the
// other flags. It validates everything that needs no data directory.
func loadConfig(f flags) (*config, error) {
	v := viper.New()
	defaults(v)
	v.SetEnvPrefix("DOTDO")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if f.config == "" {
		f.config = os.Getenv("DOTDO_CONFIG")
	}
	if f.config != "" {
		v.SetConfigFile(f.config)
		v.SetConfigType("yaml")
		if err := v.ReadInConfig(); err != nil {
			return nil, fmt.Errorf("read config %q: %w", f.config, err)
		}
	}
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--set %q: want key=value", s)
		}
		v.Set(key, value)
	}
	if f.dataDir != "" {
		v.Set("data_dir", f.dataDir)
	}
	c := &config{}
	if err := v.UnmarshalExact(c); err != nil {
		return nil, configError(err)
	}
	if len(c.RawDatabases) > 0 {
		var err error
		if c.Databases, err = readDatabases(f.config); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
	}
	return c, c.resolve(f.listen)
}

// configError makes one line of the decoder's report; it names the bad keys.
func configError(err error) error {
	lines := strings.Split(err.Error(), "\n")
	keep := lines[:0]
	for _, l := range lines {
		l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "* "))
		if l != "" && !strings.HasPrefix(l, "decoding failed") {
			keep = append(keep, l)
		}
	}
	text := strings.TrimPrefix(strings.Join(keep, "; "), "'' ")
	return fmt.Errorf("config: %s", strings.ReplaceAll(text, "has invalid keys", "has unknown keys"))
}

// resolve validates the values and derives the listeners.
func (c *config) resolve(listen []string) error {
	if c.DataDir == "" {
		return fmt.Errorf("config: data_dir is empty")
	}
	if err := c.resolveListeners(listen); err != nil {
		return err
	}
	if err := c.resolveAuth(); err != nil {
		return err
	}
	if err := oneOf("durability", c.Durability, "full", "relaxed"); err != nil {
		return err
	}
	if err := oneOf("auto_create", c.AutoCreate, "auto", "true", "false"); err != nil {
		return err
	}
	if c.Limits.PreAuth < 1024 || c.Limits.PreAuth > maxPreAuth {
		return fmt.Errorf("config: limits.pre_auth is %d, want 1024 to %d", c.Limits.PreAuth, maxPreAuth)
	}
	if c.Limits.Message < c.Limits.PreAuth || c.Limits.Message > 1<<30 {
		return fmt.Errorf("config: limits.message is %d, want %d (limits.pre_auth) to %d", c.Limits.Message, c.Limits.PreAuth, 1<<30)
	}
	if c.Limits.Connections < 0 || c.Objects.Open < 1 {
		return fmt.Errorf("config: limits.connections must not be negative and objects.open must be at least 1")
	}
	if c.DrainTimeout < 0 || c.Limits.AuthTimeout < 0 || c.Limits.IdleTimeout < 0 || c.Objects.IdleTimeout < 0 {
		return fmt.Errorf("config: timeouts must not be negative")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return fmt.Errorf("config: tls.cert and tls.key belong together; only one is set")
	}
	return c.checkSettings()
}

// checkSettings refuses listener options of systems that do not exist; the
// system itself refuses options it does not know.
func (c *config) checkSettings() error {
	known := map[string]bool{}
	for _, i := range protocol.Systems() {
		known[i.Name] = true
	}
	for name := range c.Settings {
		if !known[name] {
			return fmt.Errorf("config: settings.%s: no such system", name)
		}
	}
	return nil
}

// oneOf refuses a value outside a fixed set.
func oneOf(key, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return fmt.Errorf("config: %s is %q, want one of %s", key, value, strings.Join(allowed, ", "))
}

// resolveListeners decides what to open: exactly the --listen flags if there
// are any, else every entry of listen that has an address.
func (c *config) resolveListeners(flagged []string) error {
	known := map[string]bool{host.AdminName: true}
	names := []string{host.AdminName}
	for _, i := range protocol.Systems() {
		known[i.Name] = true
		names = append(names, i.Name)
	}
	sort.Strings(names)
	c.listeners = map[string]string{}
	add := func(option, name, addr string) error {
		if !known[name] {
			return fmt.Errorf("%s: no listener is called %q; there are %s", option, name, strings.Join(names, " "))
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("%s: address %q of %s is not HOST:PORT", option, addr, name)
		}
		c.listeners[name] = addr
		return nil
	}
	for _, l := range flagged {
		name, addr, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf("--listen %q: want NAME=HOST:PORT", l)
		}
		if _, twice := c.listeners[name]; twice {
			return fmt.Errorf("--listen: %s is given twice", name)
		}
		if err := add("--listen", name, addr); err != nil {
			return err
		}
	}
	if len(flagged) == 0 {
		for name, addr := range c.Listen {
			if addr == "" || addr == "off" {
				continue
			}
			if err := add("config: listen."+name, name, addr); err != nil {
				return err
			}
		}
	}
	c.loopback = true
	for _, addr := range c.listeners {
		c.loopback = c.loopback && isLoopback(addr)
	}
	return nil
}

// isLoopback reports whether addr can only be reached from this machine.
func isLoopback(addr string) bool {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(h)
	return h == "localhost" || ip != nil && ip.IsLoopback()
}

// resolveAuth decides whether credentials are checked. Open listeners beyond
// loopback need users, or the explicit word.
func (c *config) resolveAuth() error {
	if err := oneOf("auth", c.Auth, "", "trust", "password"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, u := range c.Users {
		if u.Name == "" || u.Password == "" {
			return fmt.Errorf("config: users[%d] needs a name and a password", i)
		}
		if seen[u.Name] {
			return fmt.Errorf("config: user %q is listed twice", u.Name)
		}
		seen[u.Name] = true
	}
	switch {
	case c.Auth == "trust":
		c.trust = true
	case len(c.Users) > 0:
		c.trust = false
	case c.Auth == "password":
		return fmt.Errorf("config: auth is password but users is empty; nobody could connect")
	case !c.loopback:
		for name, addr := range c.listeners {
			if !isLoopback(addr) {
				return fmt.Errorf("%s: refusing to listen on %s, which other machines can reach, without users; add users to the config, or write auth: trust", name, addr)
			}
		}
	default:
		c.trust = true
	}
	return nil
}

// autoCreate reports whether naming a database creates it.
func (c *config) autoCreate() bool {
	return c.AutoCreate == "true" || c.AutoCreate == "auto" && c.loopback
}

// protocol returns the limits in the form systems are given.
func (l limits) protocol() protocol.Limits {
	return protocol.Limits{MaxMessage: l.Message, PreAuth: l.PreAuth, AuthTimeout: l.AuthTimeout, IdleTimeout: l.IdleTimeout}
}
