#pragma once
// A file descriptor that is closed with its owner.

#include <unistd.h>
#include <utility>

namespace kinora::core {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : m_number(number) {}
    ~Descriptor() { reset(); }
    Descriptor(Descriptor&& other) noexcept : m_number(std::exchange(other.m_number, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            m_number = std::exchange(other.m_number, -1);
        }
        return *this;
    }

    explicit operator bool() const { return m_number >= 0; }
    int get() const { return m_number; }
    int release() { return std::exchange(m_number, -1); }
    void reset() {
        if (m_number >= 0) ::close(m_number);
        m_number = -1;
    }

  private:
    int m_number = -1;
};

} // namespace kinora::core
