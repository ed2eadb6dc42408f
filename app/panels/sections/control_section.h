#pragma once
// Nets that steer by a picture: ControlNets and T2I-Adapters, each with its picture, what is made
// of it first, its weight and its stretch of the run.

#include "app/models/steering_nets.h"
#include "app/panels/sections/list_section.h"

class QCheckBox;

namespace kinora::app {

class ControlSection : public ListSection {
  public:
    explicit ControlSection(const Parts& parts);
    std::vector<std::string_view> parameters() const override;
    // Goes to the first net that has none, else to the last one; without any, the only one that is
    // here and fits is taken.
    QString usePicture(const std::filesystem::path& file) override;

  protected:
    size_t count() const override { return steeringNets(request()).size(); }
    EntryRow* makeRow(size_t index) override;
    void add(core::CompanionKind kind, const std::string& name) override;
    void remove(size_t index) override;
    void refresh() override;
    QString summary() const override;
    QStringList marks() const override;

  private:
    void edit(const std::vector<SteeringNet>& nets, const QString& undoText,
              const QString& key = {});

    QCheckBox* m_guess;
};

} // namespace kinora::app
