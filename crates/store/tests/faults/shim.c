/*
 * A disk that fails, for tests: loaded with LD_PRELOAD into a process whose SQLite files are to misbehave.
 *
 * Environment
 *   FAULTS_FOLDER   the data folder; only its *.db, *-journal, *-wal and *-shm are touched
 *   FAULTS_CONTROL  a file of `struct control`; the test writes into it while the process runs
 *   FAULTS_SHADOW   a folder (optional): per file what a power cut would leave, that is, what was synced
 *   FAULTS_CUT      set (optional): the power went before this process started; its files are what the shadow has
 *
 * With a shadow nothing is really synced: a successful sync copies the pages written since the last one into the
 * shadow, a failed one drops them from that list, as Linux does (pages are marked clean, a later sync that succeeds
 * says nothing about them). As on Linux every descriptor of the file learns of that failure once, at its own next
 * sync: SQLite's connections have each their own. -shm has no shadow: SQLite maps it and rebuilds it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITES = 1, SYNCS = 2, TRUNCATIONS = 4, READS = 8, LOG = 0x100, DATABASE = 0x200, INDEX = 0x400 };

enum {
    PLAIN = 0,    /* the call fails and does nothing; a sync forgets what it should have written */
    SHORT = 1,    /* a write does half of it, and the one for the rest fails */
    SYNCED = 2,   /* a sync did its work and fails all the same */
    REVERTED = 3, /* a sync fails and the file shows again what is on disk */
    LYING = 4,    /* a sync does nothing and says that it did */
};

struct control {
    uint64_t what;    /* kinds of calls | kinds of files; 0: nothing fails */
    uint64_t skip;    /* so many matching calls pass first */
    uint64_t fail;    /* then so many fail */
    uint64_t error;   /* errno of those */
    uint64_t flavour;
    uint64_t failed;  /* answer: how many failed */
    uint64_t matched; /* answer: how many matched */
};

#define PAGE 4096
#define MOST_PAGES (1 << 18)
#define MOST_FILES 64
#define MOST_FDS 4096

struct file {
    dev_t device;
    ino_t inode;
    uint64_t kind;
    int shadow;
    uint8_t *dirty; /* a byte a page */
    size_t pages;   /* pages that were ever dirty end below this one */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile struct control *control;
static const char *folder, *shadows;
static struct file files[MOST_FILES];
static struct file *of[MOST_FDS];
static uint8_t owed[MOST_FDS]; /* a failure that this descriptor has not heard of */
static int half_done;

static void die(const char *what) {
    dprintf(2, "fault layer: %s: %s\n", what, strerror(errno));
    abort();
}

static int raw_open(const char *path, int flags) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644);
}

static void copy_all(int from, int to, off_t length) {
    char page[PAGE];
    for (off_t at = 0; at < length; at += PAGE) {
        ssize_t got = syscall(SYS_pread64, from, page, PAGE, at);
        if (got <= 0 || syscall(SYS_pwrite64, to, page, got, at) != got) die("copying");
    }
}

/* Each shadow NAME has a link NAME.at to its file. */
static void cut_power(void) {
    DIR *all = opendir(shadows);
    struct dirent *entry;
    if (!all) die(shadows);
    while ((entry = readdir(all))) {
        char link[4096], path[4096 - 8], index[4096];
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".at")) continue;
        snprintf(link, sizeof link, "%s/%s", shadows, entry->d_name);
        ssize_t got = readlink(link, path, sizeof path - 1);
        if (got < 0) die(link);
        path[got] = 0;
        link[strlen(link) - 3] = 0;
        struct stat status;
        int shadow = raw_open(link, O_RDONLY), file = raw_open(path, O_RDWR | O_CREAT | O_TRUNC);
        if (shadow < 0 || file < 0 || fstat(shadow, &status)) die(path);
        copy_all(shadow, file, status.st_size);
        syscall(SYS_close, shadow);
        syscall(SYS_close, file);
        snprintf(index, sizeof index, "%s-shm", path);
        syscall(SYS_unlinkat, AT_FDCWD, index, 0);
    }
    closedir(all);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    folder = getenv("FAULTS_FOLDER");
    shadows = getenv("FAULTS_SHADOW");
    if (!path || !folder) return;
    int fd = raw_open(path, O_RDWR);
    if (fd < 0) die(path);
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) die(path);
    syscall(SYS_close, fd);
    control = mapped;
    if (shadows && getenv("FAULTS_CUT")) cut_power();
}

static uint64_t kind_of(const char *path) {
    size_t length = strlen(path);
    if (!control || strncmp(path, folder, strlen(folder))) return 0;
    if (length > 4 && !strcmp(path + length - 4, "-wal")) return LOG;
    if (length > 8 && !strcmp(path + length - 8, "-journal")) return LOG;
    if (length > 4 && !strcmp(path + length - 4, "-shm")) return INDEX;
    if (length > 3 && !strcmp(path + length - 3, ".db")) return DATABASE;
    return 0;
}

static void shadow_path(char *out, size_t size, const char *path) {
    snprintf(out, size, "%s/%s", shadows, strrchr(path, '/') + 1);
}

/* What is there when a file is first seen counts as synced. */
static void open_shadow(struct file *file, int fd, const char *path, off_t length) {
    char name[4096], link[4096 + 4];
    struct stat status;
    file->shadow = -1;
    if (!shadows || file->kind == INDEX) return;
    shadow_path(name, sizeof name, path);
    snprintf(link, sizeof link, "%s.at", name);
    file->shadow = raw_open(name, O_RDWR | O_CREAT);
    file->dirty = calloc(MOST_PAGES, 1);
    if (file->shadow < 0 || !file->dirty || fstat(file->shadow, &status)) die(name);
    if (symlink(path, link) && errno != EEXIST) die(link);
    if (status.st_size == 0) copy_all(fd, file->shadow, length);
}

static void opened(int fd, const char *path) {
    struct stat status;
    uint64_t kind = fd >= 0 ? kind_of(path) : 0;
    if (!kind) return;
    if (fd >= MOST_FDS || fstat(fd, &status)) die(path);
    pthread_mutex_lock(&mutex);
    struct file *file = NULL, *empty = NULL;
    for (int i = 0; i < MOST_FILES; i++) {
        if (!files[i].kind) empty = empty ? empty : &files[i];
        else if (files[i].inode == status.st_ino && files[i].device == status.st_dev) file = &files[i];
    }
    if (!file) {
        if (!empty) die("too many files");
        file = empty;
        *file = (struct file){.device = status.st_dev, .inode = status.st_ino, .kind = kind};
        open_shadow(file, fd, path, status.st_size);
    }
    of[fd] = file;
    owed[fd] = 0;
    pthread_mutex_unlock(&mutex);
}

static struct file *file_of(int fd) { return control && fd >= 0 && fd < MOST_FDS ? of[fd] : NULL; }

/* Whether a call is to fail now; the mutex is held. */
static int fails(uint64_t call, const struct file *file) {
    if (!(control->what & call) || !(control->what & file->kind)) return 0;
    control->matched++;
    if (control->skip) {
        control->skip--;
        return 0;
    }
    return control->fail > 0;
}

static int refuse(void) {
    if (control->fail != UINT64_MAX) control->fail--;
    control->failed++;
    errno = (int)control->error;
    return -1;
}

static void touch(struct file *file, off_t from, off_t to) {
    if (file->shadow < 0 || to <= from) return;
    size_t first = from / PAGE, last = (to - 1) / PAGE;
    if (last >= MOST_PAGES) die("a file is too long");
    memset(file->dirty + first, 1, last - first + 1);
    if (last >= file->pages) file->pages = last + 1;
}

/* Copies the touched pages between a file and its shadow, and forgets that they were touched. */
static void copy_touched(struct file *file, int from, int to) {
    char page[PAGE];
    for (size_t i = 0; i < file->pages; i++) {
        if (!file->dirty[i]) continue;
        file->dirty[i] = 0;
        ssize_t got = syscall(SYS_pread64, from, page, PAGE, (off_t)i * PAGE);
        if (got < 0) die("copying");
        if (to != file->shadow) memset(page + got, 0, PAGE - got), got = PAGE;
        if (got && syscall(SYS_pwrite64, to, page, got, (off_t)i * PAGE) != got) die("copying");
    }
    file->pages = 0;
}

static int sync_shadow(int fd, struct file *file) {
    struct stat status;
    if (file->shadow < 0) return (int)syscall(SYS_fsync, fd);
    copy_touched(file, fd, file->shadow);
    if (fstat(fd, &status) || syscall(SYS_ftruncate, file->shadow, status.st_size)) die("shadow");
    return 0;
}

static int sync_file(int fd, long call) {
    struct file *file = file_of(fd);
    if (!file) return (int)syscall(call, fd);
    pthread_mutex_lock(&mutex);
    int answer;
    if (!fails(SYNCS, file)) {
        answer = sync_shadow(fd, file);
        if (owed[fd]) answer = -1, errno = EIO;
    } else {
        if (control->flavour == SYNCED) sync_shadow(fd, file);
        else if (control->flavour == REVERTED && file->shadow >= 0) copy_touched(file, file->shadow, fd);
        else if (file->shadow >= 0) memset(file->dirty, 0, file->pages), file->pages = 0;
        for (int other = 0; other < MOST_FDS; other++) owed[other] |= of[other] == file;
        answer = refuse();
        if (control->flavour == LYING) answer = 0, memset(owed, 0, sizeof owed);
    }
    owed[fd] = 0;
    pthread_mutex_unlock(&mutex);
    return answer;
}

static ssize_t put(int fd, const void *bytes, size_t count, off_t at, int here) {
    struct file *file = file_of(fd);
    if (!file) return here ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, at);
    pthread_mutex_lock(&mutex);
    ssize_t answer;
    int failing = fails(WRITES, file);
    int halved = failing && control->flavour == SHORT && count > 1 && !half_done;
    if (failing) half_done = halved;
    if (failing && !halved) {
        answer = refuse();
    } else {
        if (halved) count /= 2;
        if (here) at = lseek(fd, 0, SEEK_CUR);
        answer = here ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, at);
        if (answer > 0) touch(file, at, at + answer);
    }
    pthread_mutex_unlock(&mutex);
    return answer;
}

static int cut(int fd, off_t length) {
    struct file *file = file_of(fd);
    struct stat status;
    if (!file) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&mutex);
    int answer;
    if (fails(TRUNCATIONS, file)) {
        answer = refuse();
    } else {
        if (!fstat(fd, &status) && status.st_size > length) touch(file, length, status.st_size);
        answer = (int)syscall(SYS_ftruncate, fd, length);
    }
    pthread_mutex_unlock(&mutex);
    return answer;
}

static ssize_t get(int fd, void *bytes, size_t count, off_t at) {
    struct file *file = file_of(fd);
    if (file) {
        pthread_mutex_lock(&mutex);
        int failing = fails(READS, file) && refuse();
        pthread_mutex_unlock(&mutex);
        if (failing) return -1;
    }
    return syscall(SYS_pread64, fd, bytes, count, at);
}

static void unlinked(const char *path) {
    char name[4096], link[4096 + 4];
    struct stat status;
    if (!kind_of(path) || stat(path, &status)) return;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < MOST_FILES; i++) {
        struct file *file = &files[i];
        if (!file->kind || file->inode != status.st_ino || file->device != status.st_dev) continue;
        for (int fd = 0; fd < MOST_FDS; fd++)
            if (of[fd] == file) of[fd] = NULL;
        if (file->shadow >= 0) {
            shadow_path(name, sizeof name, path);
            snprintf(link, sizeof link, "%s.at", name);
            syscall(SYS_unlinkat, AT_FDCWD, link, 0);
            syscall(SYS_unlinkat, AT_FDCWD, name, 0);
            syscall(SYS_close, file->shadow);
            free(file->dirty);
        }
        file->kind = 0;
    }
    pthread_mutex_unlock(&mutex);
}

#define OPEN(name, directory_parameter, directory)                              \
    int name(directory_parameter const char *path, int flags, ...) {            \
        mode_t mode = 0;                                                        \
        if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {                   \
            va_list rest;                                                       \
            va_start(rest, flags);                                              \
            mode = va_arg(rest, mode_t);                                        \
            va_end(rest);                                                       \
        }                                                                       \
        int fd = (int)syscall(SYS_openat, directory, path, flags, mode);        \
        opened(fd, path);                                                       \
        return fd;                                                              \
    }
#define NONE
#define DIRECTORY int directory,
OPEN(open, NONE, AT_FDCWD)
OPEN(open64, NONE, AT_FDCWD)
OPEN(openat, DIRECTORY, directory)
OPEN(openat64, DIRECTORY, directory)

int close(int fd) {
    if (fd >= 0 && fd < MOST_FDS && of[fd]) {
        pthread_mutex_lock(&mutex);
        of[fd] = NULL;
        pthread_mutex_unlock(&mutex);
    }
    return (int)syscall(SYS_close, fd);
}

int unlink(const char *path) {
    unlinked(path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

ssize_t write(int fd, const void *bytes, size_t count) { return put(fd, bytes, count, 0, 1); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return put(fd, bytes, count, at, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return put(fd, bytes, count, at, 0); }
ssize_t pread(int fd, void *bytes, size_t count, off_t at) { return get(fd, bytes, count, at); }
ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) { return get(fd, bytes, count, at); }
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }
