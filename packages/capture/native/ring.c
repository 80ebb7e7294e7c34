// An AF_PACKET socket with a TPACKET_V3 ring, mapped into JavaScript as one ArrayBuffer. Hands JavaScript one block at a
// time and gives it back to the kernel afterwards; what stands in a block is none of this file's business.
// Node-API only. Each thread has its own rings: nothing here is shared, so any number of threads may load it.
// Sources: packet(7), Documentation/networking/packet_mmap.rst of Linux, Node's Node-API page.

#define NAPI_VERSION 8
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// The part of uv.h that is needed, which node-api-headers does not have. Handles are opaque and made by size, so only
// names and numbers are relied on, and those do not change within libuv 1.x.
typedef struct uv_handle_s uv_handle;
enum { UV_POLL = 8, UV_READABLE = 1 };
size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle *handle, void *data);
void *uv_handle_get_data(const uv_handle *handle);
int uv_poll_init(struct uv_loop_s *loop, uv_handle *poll, int fd);
int uv_poll_start(uv_handle *poll, int events, void (*callback)(uv_handle *, int status, int events));
void uv_close(uv_handle *handle, void (*callback)(uv_handle *));
const char *uv_err_name(int error);
const char *uv_strerror(int error);
uint64_t uv_hrtime(void);

// A turn of the event loop begins no further block after this time, so that timers and sockets get their turn; libuv
// calls again at once, as there is more to read. Time, because what a block costs is the handler's affair.
enum { TURN_NS = 4000000 };

static const napi_type_tag ring_tag = {0x676f722d72696e67, 0x91c5a2e07d3b4f68};

struct ring {
  napi_env env;
  int fd;
  uint8_t *memory; // block_count blocks of block_bytes
  uint32_t block_bytes;
  uint32_t block_count;
  uint32_t next;        // the block that the kernel fills next, or has filled
  uv_handle *poll;      // NULL before it is started and after it is gone
  bool is_promiscuous;
  bool is_reading;      // within a turn: close waits for its end
  bool is_closed;       // close was asked for: no block is handed out any more
  bool is_shut_down;    // socket, memory and poll are given up
  bool is_finalized;    // the JavaScript object is gone
  napi_ref object;      // these are held while poll lives
  napi_ref buffer;
  napi_ref on_block;
  napi_ref on_error;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
};

static void throw_errno(napi_env env, const char *call, int error) {
  napi_value code, message, text, thrown;
  size_t length = NAPI_AUTO_LENGTH;
  if (napi_create_string_utf8(env, uv_err_name(-error), length, &code) != napi_ok ||
      napi_create_string_utf8(env, uv_strerror(-error), length, &message) != napi_ok ||
      napi_create_string_utf8(env, call, length, &text) != napi_ok ||
      napi_create_error(env, code, message, &thrown) != napi_ok ||
      napi_set_named_property(env, thrown, "syscall", text) != napi_ok)
    return;
  napi_throw(env, thrown);
}

static void throw_misuse(napi_env env, const char *message) {
  bool is_pending = true;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) napi_throw_type_error(env, NULL, message);
}

static struct tpacket_hdr_v1 *block_header(const struct ring *ring, uint32_t index) {
  uint8_t *block = ring->memory + (size_t)index * ring->block_bytes;
  return &((struct tpacket_block_desc *)block)->hdr.bh1;
}

// Returns the call that failed, with errno. Where the interface is down, that is an error of the socket afterwards, and
// its packets come once it is up.
static const char *bind_socket(const struct ring *ring, int interface_index) {
  struct packet_mreq membership = {.mr_ifindex = interface_index, .mr_type = PACKET_MR_PROMISC};
  if (ring->is_promiscuous &&
      setsockopt(ring->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) != 0)
    return "setsockopt PACKET_ADD_MEMBERSHIP";
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = interface_index};
  return bind(ring->fd, (struct sockaddr *)&address, sizeof address) == 0 ? NULL : "bind";
}

// Filter and ring come before the bind, so that no other packet ever enters. Returns the call that failed, with errno.
static const char *open_socket(struct ring *ring, int interface_index, void *filter, size_t filter_bytes,
                               uint32_t block_timeout_ms) {
  // Protocol 0: nothing is received yet. SOCK_DGRAM: packets begin with their IP header, whatever the interface is.
  ring->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (ring->fd < 0) return "socket";
  int version = TPACKET_V3;
  if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
    return "setsockopt PACKET_VERSION";
  size_t instructions = filter_bytes / sizeof(struct sock_filter);
  struct sock_fprog program = {.len = instructions, .filter = filter};
  errno = EINVAL; // where the length is more than its field holds
  if (program.len != instructions) return "setsockopt SO_ATTACH_FILTER";
  if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return "setsockopt SO_ATTACH_FILTER";
  struct tpacket_req3 request = {
      .tp_block_size = ring->block_bytes,
      .tp_block_nr = ring->block_count,
      // Version 3 packs packets of any size into a block: the frame size only has to be consistent.
      .tp_frame_size = ring->block_bytes,
      .tp_frame_nr = ring->block_count,
      .tp_retire_blk_tov = block_timeout_ms,
  };
  if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
    return "setsockopt PACKET_RX_RING";
  size_t bytes = (size_t)ring->block_bytes * ring->block_count;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
  if (memory == MAP_FAILED) return "mmap";
  ring->memory = memory;
  return bind_socket(ring, interface_index);
}

static void release_socket(struct ring *ring) {
  if (ring->memory != NULL) munmap(ring->memory, (size_t)ring->block_bytes * ring->block_count);
  if (ring->fd >= 0) close(ring->fd);
  ring->memory = NULL;
  ring->fd = -1;
}

// JavaScript loses sight of the memory before it is unmapped. Where that fails the memory stays for ever.
static void detach_buffer(struct ring *ring) {
  napi_handle_scope scope;
  napi_value buffer;
  if (ring->buffer == NULL) return;
  bool is_detached = false;
  if (napi_open_handle_scope(ring->env, &scope) == napi_ok) {
    is_detached = napi_get_reference_value(ring->env, ring->buffer, &buffer) == napi_ok && buffer != NULL &&
                  napi_detach_arraybuffer(ring->env, buffer) == napi_ok;
    napi_close_handle_scope(ring->env, scope);
  }
  if (!is_detached) ring->memory = NULL;
}

static void release_references(struct ring *ring) {
  napi_ref references[] = {ring->object, ring->buffer, ring->on_block, ring->on_error};
  for (size_t index = 0; index < sizeof references / sizeof *references; index++)
    if (references[index] != NULL) napi_delete_reference(ring->env, references[index]);
  ring->object = ring->buffer = ring->on_block = ring->on_error = NULL;
  if (ring->context != NULL) napi_async_destroy(ring->env, ring->context);
  ring->context = NULL;
  if (ring->cleanup != NULL) napi_remove_async_cleanup_hook(ring->cleanup);
  ring->cleanup = NULL;
}

static void on_poll_closed(uv_handle *poll) {
  struct ring *ring = uv_handle_get_data(poll);
  free(poll);
  ring->poll = NULL;
  release_references(ring);
  if (ring->is_finalized) free(ring);
}

// The last owner frees: the event loop's handle or the JavaScript object.
static void on_finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct ring *ring = data;
  ring->is_finalized = true;
  if (ring->poll == NULL) free(ring);
}

static void shut_down(struct ring *ring) {
  if (ring->is_shut_down) return;
  ring->is_shut_down = true;
  uv_close(ring->poll, on_poll_closed);
  release_socket(ring);
}

static void close_now(struct ring *ring) {
  if (!ring->is_shut_down) detach_buffer(ring);
  shut_down(ring);
}

// The thread ends and nobody closed: no JavaScript runs any more, so nothing can look at the memory.
static void on_teardown(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  struct ring *ring = data;
  ring->is_closed = true;
  shut_down(ring); // the handle removes this hook when it is closed
}

// Calls from the event loop are turns of their own; an error that comes out of one is an uncaught exception.
static void call_from_loop(struct ring *ring, napi_ref function_reference, napi_value argument) {
  napi_env env = ring->env;
  napi_value object, function, error;
  if (napi_get_reference_value(env, ring->object, &object) != napi_ok ||
      napi_get_reference_value(env, function_reference, &function) != napi_ok)
    return;
  napi_status status = napi_make_callback(env, ring->context, object, function, 1, &argument, NULL);
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
}

// Hands out the blocks that are ready, for the time of a turn, and gives each back.
static void read_blocks(struct ring *ring) {
  uint64_t end = uv_hrtime() + TURN_NS;
  do {
    uint32_t *status = &block_header(ring, ring->next)->block_status;
    if ((__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) return;
    napi_handle_scope scope;
    napi_value index;
    if (napi_open_handle_scope(ring->env, &scope) != napi_ok) return;
    if (napi_create_uint32(ring->env, ring->next, &index) == napi_ok) call_from_loop(ring, ring->on_block, index);
    napi_close_handle_scope(ring->env, scope);
    if (ring->is_shut_down) return; // the thread ended meanwhile, and the memory is gone
    ring->next = (ring->next + 1) % ring->block_count;
    __atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  } while (!ring->is_closed && uv_hrtime() < end);
}

static void on_readable(uv_handle *poll, int status, int events);

// An interface that goes down is an error of the socket, after which libuv has stopped polling. When the interface
// comes back, so do its packets.
static void report_error(struct ring *ring) {
  int error = 0;
  socklen_t length = sizeof error;
  napi_handle_scope scope;
  napi_value name;
  if (getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  int failure = uv_poll_start(ring->poll, UV_READABLE, on_readable);
  if (failure != 0) error = -failure;
  if (error == 0 || napi_open_handle_scope(ring->env, &scope) != napi_ok) return;
  if (napi_create_string_utf8(ring->env, uv_err_name(-error), NAPI_AUTO_LENGTH, &name) == napi_ok)
    call_from_loop(ring, ring->on_error, name);
  napi_close_handle_scope(ring->env, scope);
}

static void on_readable(uv_handle *poll, int status, int events) {
  (void)events;
  struct ring *ring = uv_handle_get_data(poll);
  ring->is_reading = true;
  read_blocks(ring);
  if (status < 0 && !ring->is_closed) report_error(ring);
  ring->is_reading = false;
  if (ring->is_closed) close_now(ring);
}

// The ring that a method was called on; throws where there is none, or it is closed.
static struct ring *this_ring(napi_env env, napi_callback_info info) {
  napi_value object;
  void *data = NULL;
  bool is_ring = false;
  if (napi_get_cb_info(env, info, NULL, NULL, &object, NULL) == napi_ok &&
      napi_check_object_type_tag(env, object, &ring_tag, &is_ring) == napi_ok && is_ring)
    napi_unwrap(env, object, &data);
  struct ring *ring = data;
  if (ring != NULL && !ring->is_closed) return ring;
  throw_misuse(env, ring == NULL ? "not a Ring" : "the Ring is closed");
  return NULL;
}

// bind(interfaceIndex): goes on with another interface, the same ring and the same filter.
static napi_value ring_bind(napi_env env, napi_callback_info info) {
  struct ring *ring = this_ring(env, info);
  size_t count = 1;
  napi_value argument;
  int32_t interface_index;
  if (ring == NULL) return NULL;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_value_int32(env, argument, &interface_index) != napi_ok) {
    throw_misuse(env, "bind: wrong arguments");
    return NULL;
  }
  const char *failed = bind_socket(ring, interface_index);
  if (failed != NULL) {
    throw_errno(env, failed, errno);
    return NULL;
  }
  // An interface that is down is told by interfaceState.
  int error;
  socklen_t length = sizeof error;
  getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return NULL;
}

// Asks the system, in the socket's network namespace, about the interface that the socket is bound to.
static const char *interface_state(const struct ring *ring) {
  struct sockaddr_ll address;
  socklen_t length = sizeof address;
  if (getsockname(ring->fd, (struct sockaddr *)&address, &length) != 0 || address.sll_ifindex < 0) return "gone";
  if (address.sll_ifindex == 0) return "up";
  struct ifreq request = {.ifr_ifindex = address.sll_ifindex};
  if (ioctl(ring->fd, SIOCGIFNAME, &request) != 0 || ioctl(ring->fd, SIOCGIFFLAGS, &request) != 0) return "gone";
  return (request.ifr_flags & IFF_UP) != 0 ? "up" : "down";
}

// interfaceState(): "up", "down", or "gone" where the interface was removed; one of the same name is another one.
static napi_value ring_interface_state(napi_env env, napi_callback_info info) {
  struct ring *ring = this_ring(env, info);
  napi_value state = NULL;
  if (ring == NULL) return NULL;
  return napi_create_string_utf8(env, interface_state(ring), NAPI_AUTO_LENGTH, &state) == napi_ok ? state : NULL;
}

// stop(): from now on no packet enters. What did still has to be read: the block it is in comes within the timeout.
static napi_value ring_stop(napi_env env, napi_callback_info info) {
  struct ring *ring = this_ring(env, info);
  if (ring == NULL) return NULL;
  struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {.len = 1, .filter = &nothing};
  if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    throw_errno(env, "setsockopt SO_ATTACH_FILTER", errno);
  return NULL;
}

// statistics(): { packets, drops } since the last call; packets counts the dropped ones, too.
static napi_value ring_statistics(napi_env env, napi_callback_info info) {
  struct ring *ring = this_ring(env, info);
  if (ring == NULL) return NULL;
  struct tpacket_stats_v3 statistics;
  socklen_t length = sizeof statistics;
  napi_value result, packets, drops;
  if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) {
    throw_errno(env, "getsockopt PACKET_STATISTICS", errno);
    return NULL;
  }
  if (napi_create_object(env, &result) != napi_ok || napi_create_uint32(env, statistics.tp_packets, &packets) != napi_ok ||
      napi_create_uint32(env, statistics.tp_drops, &drops) != napi_ok ||
      napi_set_named_property(env, result, "packets", packets) != napi_ok ||
      napi_set_named_property(env, result, "drops", drops) != napi_ok)
    return NULL;
  return result;
}

// close(): detaches the memory and lets go of everything. Within onBlock that waits until the handler returned.
static napi_value ring_close(napi_env env, napi_callback_info info) {
  struct ring *ring = this_ring(env, info);
  if (ring == NULL) return NULL;
  ring->is_closed = true;
  if (!ring->is_reading) close_now(ring);
  return NULL;
}

// Ties the open socket to its JavaScript object and to the event loop.
static bool attach(struct ring *ring, napi_value object, napi_value on_block, napi_value on_error) {
  napi_env env = ring->env;
  napi_value buffer, name;
  struct uv_loop_s *loop;
  size_t bytes = (size_t)ring->block_bytes * ring->block_count;
  if (napi_create_external_arraybuffer(env, ring->memory, bytes, NULL, NULL, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &ring->buffer) != napi_ok ||
      napi_set_named_property(env, object, "memory", buffer) != napi_ok ||
      napi_create_reference(env, object, 1, &ring->object) != napi_ok ||
      napi_create_reference(env, on_block, 1, &ring->on_block) != napi_ok ||
      napi_create_reference(env, on_error, 1, &ring->on_error) != napi_ok ||
      napi_create_string_utf8(env, "gor-ring", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, object, name, &ring->context) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_teardown, ring, &ring->cleanup) != napi_ok ||
      napi_type_tag_object(env, object, &ring_tag) != napi_ok || napi_get_uv_event_loop(env, &loop) != napi_ok)
    return false;
  uv_handle *poll = malloc(uv_handle_size(UV_POLL));
  if (poll == NULL || uv_poll_init(loop, poll, ring->fd) != 0) {
    free(poll);
    return false;
  }
  uv_handle_set_data(poll, ring);
  ring->poll = poll;
  return uv_poll_start(poll, UV_READABLE, on_readable) == 0;
}

static bool is_function(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_function;
}

// new Ring(interfaceIndex, filter, blockBytes, blockCount, blockTimeoutMs, isPromiscuous, onBlock, onError)
static napi_value ring_open(napi_env env, napi_callback_info info) {
  enum { ARGUMENTS = 8 };
  napi_value object, target, argument[ARGUMENTS];
  size_t count = ARGUMENTS, filter_bytes;
  int32_t interface_index;
  uint32_t block_timeout_ms;
  void *filter;
  napi_typedarray_type type;
  struct ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) {
    throw_errno(env, "calloc", ENOMEM);
    return NULL;
  }
  ring->env = env;
  ring->fd = -1;
  if (napi_get_new_target(env, info, &target) != napi_ok || target == NULL ||
      napi_get_cb_info(env, info, &count, argument, &object, NULL) != napi_ok || count != ARGUMENTS ||
      napi_get_value_int32(env, argument[0], &interface_index) != napi_ok ||
      napi_get_typedarray_info(env, argument[1], &type, &filter_bytes, &filter, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_uint32(env, argument[2], &ring->block_bytes) != napi_ok ||
      napi_get_value_uint32(env, argument[3], &ring->block_count) != napi_ok ||
      napi_get_value_uint32(env, argument[4], &block_timeout_ms) != napi_ok ||
      napi_get_value_bool(env, argument[5], &ring->is_promiscuous) != napi_ok || !is_function(env, argument[6]) ||
      !is_function(env, argument[7]) ||
      napi_wrap(env, object, ring, on_finalize, NULL, NULL) != napi_ok) {
    free(ring);
    throw_misuse(env, "Ring: wrong arguments");
    return NULL;
  }
  // From here on the object owns the ring, whatever fails.
  const char *failed = open_socket(ring, interface_index, filter, filter_bytes, block_timeout_ms);
  if (failed != NULL) {
    throw_errno(env, failed, errno);
    ring->is_closed = ring->is_shut_down = true;
    release_socket(ring);
  } else if (!attach(ring, object, argument[6], argument[7])) {
    throw_misuse(env, "Ring: its memory cannot be shared with JavaScript here");
    ring->is_closed = ring->is_shut_down = true;
    detach_buffer(ring);
    if (ring->poll != NULL) uv_close(ring->poll, on_poll_closed);
    else release_references(ring);
    release_socket(ring);
  }
  return object;
}

// interfaces(): { name: index } of all there are, with or without an address.
static napi_value interfaces(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result, index;
  struct if_nameindex *list = if_nameindex();
  if (list == NULL) {
    throw_errno(env, "if_nameindex", errno);
    return NULL;
  }
  napi_status status = napi_create_object(env, &result);
  for (struct if_nameindex *each = list; status == napi_ok && each->if_index != 0; each++) {
    status = napi_create_uint32(env, each->if_index, &index);
    if (status == napi_ok) status = napi_set_named_property(env, result, each->if_name, index);
  }
  if_freenameindex(list);
  return status == napi_ok ? result : NULL;
}

// interfaceIndex(name): by any name that it has, aliases and alternative names included; 0 where there is none.
static napi_value interface_index(napi_env env, napi_callback_info info) {
  size_t count = 1, length;
  napi_value argument, result;
  char name[IF_NAMESIZE + 1];
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_value_string_utf8(env, argument, name, sizeof name, &length) != napi_ok) {
    throw_misuse(env, "interfaceIndex: wrong arguments");
    return NULL;
  }
  bool is_name = length < IF_NAMESIZE && strlen(name) == length;
  return napi_create_uint32(env, is_name ? if_nametoindex(name) : 0, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor methods[] = {
      {.utf8name = "bind", .method = ring_bind, .attributes = napi_default_method},
      {.utf8name = "interfaceState", .method = ring_interface_state, .attributes = napi_default_method},
      {.utf8name = "stop", .method = ring_stop, .attributes = napi_default_method},
      {.utf8name = "statistics", .method = ring_statistics, .attributes = napi_default_method},
      {.utf8name = "close", .method = ring_close, .attributes = napi_default_method},
  };
  napi_value ring, list, find;
  if (napi_define_class(env, "Ring", NAPI_AUTO_LENGTH, ring_open, NULL, sizeof methods / sizeof *methods, methods,
                        &ring) != napi_ok ||
      napi_set_named_property(env, exports, "Ring", ring) != napi_ok ||
      napi_create_function(env, "interfaces", NAPI_AUTO_LENGTH, interfaces, NULL, &list) != napi_ok ||
      napi_set_named_property(env, exports, "interfaces", list) != napi_ok ||
      napi_create_function(env, "interfaceIndex", NAPI_AUTO_LENGTH, interface_index, NULL, &find) != napi_ok ||
      napi_set_named_property(env, exports, "interfaceIndex", find) != napi_ok)
    return NULL;
  return exports;
}
