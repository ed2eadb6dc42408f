#include "core/engine/worker/private_socket.h"

#include "kernels/base/log.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

namespace kinora::core {

namespace {

Error socketError(const std::filesystem::path& path, int error) {
    return Error(ErrorCode::Io,
                 "The socket of a worker, " + path.string() + ": " + std::strerror(error) + ".");
}

Result<sockaddr_un> addressOf(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.empty() || name.size() >= sizeof address.sun_path)
        return Error(ErrorCode::InvalidArgument, "The socket's path is too long: " + name + ".",
                     "Set XDG_RUNTIME_DIR to a folder with a shorter name.");
    std::memcpy(address.sun_path, name.data(), name.size());
    return address;
}

// Who is at the other end, as the kernel says.
bool isProcess(int connection, pid_t peer) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
    if (credentials.uid == ::geteuid() && credentials.pid == peer) return true;
    logMessage(LogLevel::Info, "Process " + std::to_string(credentials.pid) + " of user " +
                                   std::to_string(credentials.uid) +
                                   " is not the one at the worker's socket that was expected.");
    return false;
}

} // namespace

PrivateSocket::PrivateSocket(Descriptor listener, std::filesystem::path path)
    : m_listener(std::move(listener)), m_path(std::move(path)) {}

PrivateSocket::PrivateSocket(PrivateSocket&& other) noexcept
    : m_listener(std::move(other.m_listener)), m_path(std::exchange(other.m_path, {})) {}

PrivateSocket::~PrivateSocket() {
    std::error_code ignored;
    if (!m_path.empty()) std::filesystem::remove(m_path, ignored);
}

Result<PrivateSocket> PrivateSocket::listen(const std::filesystem::path& path) {
    const Result<sockaddr_un> address = addressOf(path);
    if (!address) return address.error();
    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return socketError(path, errno);
    constexpr int kWaiting = 8;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) !=
            0 ||
        ::listen(listener.get(), kWaiting) != 0)
        return socketError(path, errno);
    return PrivateSocket(std::move(listener), path);
}

Descriptor PrivateSocket::accept(pid_t peer) const {
    Descriptor connection(
        ::accept4(m_listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection || !isProcess(connection.get(), peer)) return {};
    return connection;
}

Result<Descriptor> connectPrivately(const std::filesystem::path& path, pid_t peer) {
    const Result<sockaddr_un> address = addressOf(path);
    if (!address) return address.error();
    Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!connection || ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&*address),
                                 sizeof *address) != 0)
        return socketError(path, errno);
    if (!isProcess(connection.get(), peer))
        return Error(ErrorCode::Io, "Another process listens at " + path.string() + ".");
    const int flags = ::fcntl(connection.get(), F_GETFL);
    ::fcntl(connection.get(), F_SETFL, flags | O_NONBLOCK); // as gRPC wants it
    return connection;
}

} // namespace kinora::core
