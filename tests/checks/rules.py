"""What may include what. The rules of the house as data; check.py applies them.

A folder is named by its first two path parts ("pipelines/vae"); "app" alone stands for the files
right below it. Everything not allowed here is a breach.
"""

LAYERS = ('app', 'core', 'pipelines', 'kernels')

_ENGINE_BASE = {'pipelines/request', 'pipelines/noise', 'kernels/base', 'kernels/tensor',
                'kernels/backend', 'kernels/ops'}
_MEMBERS = _ENGINE_BASE | {'pipelines/weights', 'pipelines/blocks'}
_CORE = {'core/*', 'pipelines/*', 'kernels/base', 'kernels/tensor'}
_APP = {'app', 'app/*', 'core/*', 'pipelines/request', 'kernels/base'}

# Folder -> folders that it may include, besides itself. "x/*" is all of a layer.
MAY_INCLUDE = {
    'kernels/base': set(),
    'kernels/tensor': {'kernels/base'},
    'kernels/backend': {'kernels/tensor', 'kernels/base'},
    'kernels/ops': {'kernels/backend', 'kernels/tensor', 'kernels/base'},
    'kernels/collectives': {'kernels/backend', 'kernels/tensor', 'kernels/base'},
    'kernels/cpu': {'kernels/backend', 'kernels/tensor', 'kernels/base'},
    'kernels/meta': {'kernels/backend', 'kernels/tensor', 'kernels/base'},
    'kernels/cuda': {'kernels/backend', 'kernels/tensor', 'kernels/base'},

    'pipelines/request': {'kernels/base'},
    'pipelines/noise': {'pipelines/request', 'kernels/base', 'kernels/tensor', 'kernels/backend'},
    'pipelines/weights': _ENGINE_BASE,
    'pipelines/blocks': _ENGINE_BASE | {'pipelines/weights'},
    'pipelines/denoisers': _MEMBERS,
    'pipelines/vae': _MEMBERS,
    'pipelines/text': _MEMBERS,
    'pipelines/schedulers': _MEMBERS,
    'pipelines/upscale': _MEMBERS,
    'pipelines/vision': _MEMBERS,
    'pipelines/plan': _MEMBERS,
    'pipelines/image': _MEMBERS | {'pipelines/denoisers', 'pipelines/vae', 'pipelines/text', 'pipelines/vision',
                                   'pipelines/schedulers', 'pipelines/plan'},

    'core/project': _CORE,
    'core/queue': _CORE,
    'core/media': _CORE,
    'core/library': _CORE,
    'core/engine': _CORE | {'kernels/ops', 'kernels/backend'},
    'core/devices': _CORE | {'kernels/ops', 'kernels/backend'},

    'app': _APP,
    'app/cli': _APP,
    # The one place that knows back ends by name: it registers them at start.
    'app/main': _APP | {'kernels/backend', 'kernels/cpu', 'kernels/meta'},
    'app/windows': _APP,
    'app/panels': _APP,
    'app/widgets': {'app/widgets', 'pipelines/request', 'kernels/base'},
    'app/models': _APP,
}

# Single includes beyond the rules: (file, included): reason.
EXCEPTIONS = {
}

# First part of an include in angle brackets -> folders where it may stand. "x/*" is a whole layer.
# A trailing * in the key matches any ending.
THIRD_PARTY = {
    'cuda*': {'kernels/cuda'},
    'cublas*': {'kernels/cuda'},
    'cudnn*': {'kernels/cuda'},
    'nvrtc*': {'kernels/cuda'},
    'nccl*': {'kernels/cuda', 'kernels/collectives'},
    'dnnl*': {'kernels/cpu'},
    'oneapi/dnnl/*': {'kernels/cpu'},
    'hwy/*': {'kernels/cpu'},
    'omp.h': {'kernels/cpu'},
    'utf8proc.h': {'pipelines/text'},
    'grpc*': {'core/engine'},
    'google/protobuf/*': {'core/engine'},
    'sqlite3.h': {'core/queue', 'core/library'},
    'zip.h': {'core/project'},
    'libav*': {'core/media'},
    'libsw*': {'core/media'},
    'OpenImageIO/*': {'core/media'},
    'exiv2/*': {'core/media'},
    'zlib.h': {'core/media'},
    'portaudio.h': {'core/devices'},
    'nlohmann/json_fwd.hpp': {'pipelines/*', 'core/*', 'app', 'app/*'},
    'nlohmann/json.hpp': {'pipelines/*', 'core/*', 'app', 'app/*'},
}

# Headers too slow for headers (each costs every reader a second or more of compiling).
NOT_IN_HEADERS = ('nlohmann/json.hpp', 'OpenImageIO/', 'exiv2/', 'regex', 'dnnl.hpp')
# header: reason why it may after all.
SLOW_HEADER_EXCEPTIONS = {
    'pipelines/weights/model.h': 'holds the parsed configs by value',
}

# Qt modules -> folders. Kernels and pipelines build without Qt.
QT_MODULES = {
    'QtCore': {'core/*', 'app', 'app/*'},
    'QtGui': {'app', 'app/*'},
    'QtWidgets': {'app', 'app/*'},
    'QtSvg': {'app', 'app/*'},
    'QtDBus': {'app', 'app/*'},
}

# The system: POSIX and Linux headers, anywhere.
SYSTEM = {
    'dlfcn.h', 'errno.h', 'fcntl.h', 'malloc.h', 'poll.h', 'pthread.h', 'sched.h', 'signal.h',
    'pwd.h', 'spawn.h', 'sys/eventfd.h', 'sys/file.h', 'sys/ioctl.h', 'sys/mman.h', 'sys/resource.h', 'sys/signalfd.h', 'sys/socket.h',
    'sys/stat.h', 'sys/un.h', 'sys/prctl.h',
    'sys/statvfs.h', 'sys/syscall.h', 'sys/sysinfo.h', 'sys/time.h', 'sys/types.h', 'sys/uio.h',
    'sys/utsname.h', 'sys/vfs.h', 'sys/wait.h', 'termios.h', 'time.h', 'unistd.h', 'cpuid.h',
    'immintrin.h', 'linux/fs.h',
}

STANDARD = set('''algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat
charconv chrono cinttypes climits clocale cmath compare complex concepts condition_variable
coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype
deque exception execution filesystem format forward_list fstream functional future initializer_list
iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource
mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string
string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
unordered_set utility valarray variant vector version stdint.h stddef.h string.h math.h'''.split())
